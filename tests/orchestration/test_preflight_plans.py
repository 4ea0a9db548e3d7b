"""Plans that contradict themselves or each other: each mistake by file, row, column and fix, and no other word."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from orchestration.plans.checks import check_seeds, render, seeds_folder
from tests.support.companies.plan_company import PlanCompany, write_text

ROOT = Path(__file__).resolve().parents[2]
Change = tuple[str, str, int, dict[str, str]]


@pytest.fixture
def company(tmp_path: Path) -> PlanCompany:
    return PlanCompany(tmp_path)


def problems(company: PlanCompany) -> list[str]:
    company.write()
    return [str(problem) for problem in check_seeds(company.root, company.extracts)]


def test_a_right_company_has_no_problems(company: PlanCompany) -> None:
    assert problems(company) == []


# What an analyst types, and all that the preflight says of it.
MISTAKES: dict[str, tuple[list[Change], list[str]]] = {
    "an_admin_of_a_part": (
        [("change", "roles", 2, {"scope_code": "plan", "scope_id": "hunter"})],
        [
            "seeds/operations/roles.csv row 2, column scope_code: an admin sees every mart whole, and the scope is 'plan'. Write scope_code all and no scope_id, or role_code limited_admin"
        ],
    ),
    "a_limited_admin_of_everything": (
        [("change", "roles", 3, {"scope_code": "all", "scope_id": ""})],
        [
            "seeds/operations/roles.csv row 3, column scope_code: a limited_admin sees a part, and the scope is all. Write payee, plan, org or team and its id, or role_code admin or auditor"
        ],
    ),
    "a_scope_that_names_nothing": (
        [("change", "roles", 3, {"scope_id": ""})],
        [
            "seeds/operations/roles.csv row 3, column scope_id: the scope is plan, and names nothing. Name what is seen; leave it empty where all is seen"
        ],
    ),
    "an_admin_of_all_and_of_something": (
        [("change", "roles", 2, {"scope_id": "hunter"})],
        [
            "seeds/operations/roles.csv row 2, column scope_id: the scope is all, and names 'hunter'. Name what is seen; leave it empty where all is seen"
        ],
    ),
    "a_scope_of_no_plan": (
        [("change", "roles", 3, {"scope_id": "huntr"})],
        [
            "seeds/operations/roles.csv row 3, column scope_id: there is no plan 'huntr'. Name a plan of plans.csv"
        ],
    ),
    "a_viewer_with_a_space": (
        [("change", "roles", 3, {"viewer_id": "west desk"})],
        [
            "seeds/operations/roles.csv row 3, column viewer_id: 'west desk' has a space, and files are named after viewers. Write the HRIS employee id, or a name without spaces"
        ],
    ),
    "payments_credited_and_paid_before": (
        [("change", "plans", 3, {"credit_event_code": "collection"})],
        [
            "seeds/plans/plans.csv row 3, column payout_event_code: plan 'table' credits payments and would pay before them. Write payout_event_code collection, or credit_event_code booking"
        ],
    ),
    "straight_line_without_a_window": (
        [("change", "payout_terms", 2, {"clawback_window_days": ""})],
        [
            "seeds/plans/payout_terms.csv row 2, column clawback_window_days: the terms of plan 'deal' take back in a straight line over a window that has no days. Write the days of the window, or clawback_proration_code none"
        ],
    ),
    "days_before_the_event": (
        [("change", "payout_terms", 2, {"hold_days": "-1"})],
        [
            "seeds/plans/payout_terms.csv row 2, column hold_days: the terms of plan 'deal' count -1 days. Write 0 or more"
        ],
    ),
    "holdback_in_percent": (
        [("change", "payout_terms", 2, {"holdback_ratio": "20"})],
        [
            "seeds/plans/payout_terms.csv row 2, column holdback_ratio: the terms of plan 'deal' hold back 20 of each commission. Write a share, 0.2 for a fifth"
        ],
    ),
    "holdback_that_is_never_released": (
        [("change", "payout_terms", 2, {"holdback_release_code": ""})],
        [
            "seeds/plans/payout_terms.csv row 2, column holdback_release_code: the terms of plan 'deal' hold back a share and never release it. Write days, quarter_end or year_end"
        ],
    ),
    "holdback_after_no_days": (
        [("change", "payout_terms", 2, {"holdback_days": ""})],
        [
            "seeds/plans/payout_terms.csv row 2, column holdback_days: the terms of plan 'deal' release what is held back after no number of days. Write the days"
        ],
    ),
    "leavers_of_what_is_paid_on_booking": (
        [("change", "payout_terms", 2, {"leaver_code": "forfeit"})],
        [
            "seeds/plans/payout_terms.csv row 2, column leaver_code: the terms of plan 'deal' say what leavers get of later payments, and the plan pays on booking. Leave it empty: nothing waits for the customer"
        ],
    ),
    "leavers_paid_for_no_number_of_days": (
        [("change", "payout_terms", 2, {"leaver_code": "days"})],
        [
            "seeds/plans/payout_terms.csv row 2, column leaver_code: the terms of plan 'deal' say what leavers get of later payments, and the plan pays on booking. Leave it empty: nothing waits for the customer",
            "seeds/plans/payout_terms.csv row 2, column leaver_days: the terms of plan 'deal' pay leavers for a number of days and do not say how many. Write the days",
        ],
    ),
    "days_after_leaving_that_nothing_counts": (
        [("change", "payout_terms", 2, {"leaver_days": "30"})],
        [
            "seeds/plans/payout_terms.csv row 2, column leaver_days: the terms of plan 'deal' count 30 days after leaving, and leaver_code is ''. Write leaver_code days, or leave it empty"
        ],
    ),
    "clawback_of_what_is_paid_as_collected": (
        [("change", "plans", 6, {"payout_event_code": "collection"})],
        [
            "seeds/plans/payout_terms.csv row 2, column clawback_window_days: the terms of plan 'deal' take back what was paid on booking, and the plan pays on collection. Leave it empty: what is not paid is not due",
            "seeds/plans/payout_terms.csv row 2, column unpaid_after_days: the terms of plan 'deal' take back what was paid on booking, and the plan pays on collection. Leave it empty: what is not paid is not due",
        ],
    ),
    "expiry_of_what_is_paid_on_booking": (
        [("change", "payout_terms", 2, {"expire_after_days": "180"})],
        [
            "seeds/plans/payout_terms.csv row 2, column expire_after_days: the terms of plan 'deal' let withheld commission expire, and the plan withholds none. Leave it empty, or write unpaid_after_days"
        ],
    ),
    "later_window_of_a_life": (
        [
            (
                "change",
                "payout_terms",
                2,
                {"plan_id": "career", "clawback_policy_code": "next_period_attainment"},
            ),
        ],
        [
            "seeds/plans/payout_terms.csv row 2, column clawback_policy_code: the terms of plan 'career' reduce a later window, and the plan's calendar life has none. Write another clawback_policy_code"
        ],
    ),
    "deduction_from_an_average": (
        [
            (
                "change",
                "payout_terms",
                2,
                {"plan_id": "quality", "clawback_policy_code": "next_period_attainment"},
            ),
        ],
        [
            "seeds/plans/payout_terms.csv row 2, column clawback_policy_code: the terms of plan 'quality' reduce a running total, and the plan averages. Write another clawback_policy_code"
        ],
    ),
    "cancellation_that_is_a_text": (
        [("change", "payout_terms", 2, {"cancelled_date_expression": '"Region__c"'})],
        [
            'seeds/plans/payout_terms.csv row 2, column cancelled_date_expression: plan \'deal\', expression `"Region__c"`: gives a text, not a day. Write cast("Region__c" as date)'
        ],
    ),
    "hold_of_everybody": (
        [("change", "holds", 2, {"plan_id": ""})],
        [
            "seeds/plans/holds.csv row 2, column hold_id: hold 'audit' names no plan, no payee and no deal: it would hold everybody's pay. Fill plan_id, payee_id or transaction_id"
        ],
    ),
    "hold_that_ends_before_it_begins": (
        [("change", "holds", 2, {"held_to": "2024-01-01"})],
        [
            "seeds/plans/holds.csv row 2, column held_to: hold 'audit' ends on 2024-01-01, not after its first day 2024-01-01. Write the day of the release, or leave it empty"
        ],
    ),
    "draw_in_another_currency": (
        [("change", "draws", 2, {"currency_code": "EUR"})],
        [
            "seeds/plans/draws.csv row 2, column currency_code: draw 'ramp' is in EUR, and plan 'hunter' pays in USD. Write the plan's currency"
        ],
    ),
    "two_draws_on_one_plan": (
        [("add", "draws", 2, {"draw_id": "second", "valid_from": "2024-03-15"})],
        [
            "seeds/plans/draws.csv rows 2 and 3, column draw_id: draws 'ramp' and 'second' of payee 275 both settle on what the payee earns in 2024-04, so that it would be topped up or recovered twice. Give both rows one draw_id, which shares one balance, and end one where the other begins; what is recoverable goes on after its end"
        ],
    ),
    "a_draw_that_recovers_after_its_end": (
        [
            ("change", "draws", 2, {"valid_to": "2024-03-01"}),
            ("add", "draws", 2, {"draw_id": "second", "valid_from": "2024-03-01", "valid_to": ""}),
        ],
        [
            "seeds/plans/draws.csv rows 2 and 3, column draw_id: draws 'ramp' and 'second' of payee 275 both settle on what the payee earns in 2024-03, so that it would be topped up or recovered twice. Give both rows one draw_id, which shares one balance, and end one where the other begins; what is recoverable goes on after its end"
        ],
    ),
    "a_guarantee_over_all_plans_beside_a_draw": (
        [
            (
                "add",
                "draws",
                2,
                {
                    "draw_id": "second",
                    "plan_id": "career",
                    "covers_code": "payee",
                    "draw_kind_code": "non_recoverable",
                },
            )
        ],
        [
            "seeds/plans/draws.csv rows 2 and 3, column draw_id: draws 'ramp' and 'second' of payee 275 both settle on what the payee earns in 2024-01, so that it would be topped up or recovered twice. Give both rows one draw_id, which shares one balance, and end one where the other begins; what is recoverable goes on after its end"
        ],
    ),
    "recovery_in_percent": (
        [("change", "draws", 2, {"recovery_ratio": "50", "amount": "-1", "draw_id": "a|b"})],
        [
            "seeds/plans/draws.csv row 2, column amount: draw 'a|b' of payee 275 has a negative amount, -1. Write 0 or more",
            "seeds/plans/draws.csv row 2, column draw_id: 'a|b' cannot be a name: it becomes part of keys, files or paths. Write letters from A to Z, digits, spaces, '_', '-' and '.', at most 64, a letter or a digit first",
            "seeds/plans/draws.csv row 2, column recovery_ratio: draw 'a|b' of payee 275 recovers 50 of what is earned above it. Write a share, 0.5 for half",
        ],
    ),
    "source_object_that_the_pool_does_not_hold": (
        [("change", "plans", 2, {"source_object": "crm/Oportunity"})],
        [
            "seeds/plans/plans.csv row 2, column source_object: plan 'hunter' pays on 'crm/Oportunity', which the data pool does not hold. Did you mean crm/Opportunity? (vars.transaction_sources of dbt_project/dbt_project.yml)"
        ],
    ),
    "amount_basis_without_a_model": (
        [
            (
                "change",
                "plans",
                2,
                {
                    "source_object": "maven_crm/sales_pipeline",
                    "amount_basis_code": "as_of_close",
                    "filter_expression": "\"deal_stage\" = 'Won'",
                    "value_expression": '"close_value"',
                },
            )
        ],
        [
            "seeds/plans/plans.csv row 2, column amount_basis_code: plan 'hunter' values maven_crm/sales_pipeline as_of_close, and the data pool has no model for that. Write one of: current"
        ],
    ),
    "settling_and_current_fields_of_a_plan_that_reads_all_as_it_is_now": (
        [("change", "plans", 7, {"settle_days": "2", "current_fields": "OwnerId"})],
        [
            "seeds/plans/plans.csv row 7, column current_fields: plan 'career' reads all fields as they are now (amount_basis_code current). Leave it empty, or write amount_basis_code as_of_close",
            "seeds/plans/plans.csv row 7, column settle_days: plan 'career' reads deals as they are now (amount_basis_code current), where nothing has to settle. Write 0, or amount_basis_code as_of_close",
        ],
    ),
    "current_fields_that_the_source_does_not_have": (
        [("change", "plans", 4, {"settle_days": "-1", "current_fields": "OwnerID, ,OpportunitySplit"})],
        [
            "seeds/plans/plans.csv row 4, column current_fields: plan 'points' has a comma with no field beside it. Write the source's own names, separated by commas",
            "seeds/plans/plans.csv row 4, column current_fields: plan 'points' names 'OwnerID', which is not a field of crm/Opportunity. Did you mean OwnerId? Write the source's own names, separated by commas",
            "seeds/plans/plans.csv row 4, column settle_days: plan 'points' lets a close settle for -1 days. Write a whole number from 0 to 366",
        ],
    ),
    "unknown_calendar": (
        [("change", "plans", 2, {"calendar_id": "fiscl"})],
        [
            "seeds/plans/plans.csv row 2, column calendar_id: plan 'hunter' counts in the calendar 'fiscl', which is not known. Did you mean fiscal? Add its windows to seeds/calendar/windows.csv or correct the name"
        ],
    ),
    "life_has_no_days": (
        [("change", "plans", 7, {"quota_proration_code": "days_on_plan"})],
        [
            "seeds/plans/plans.csv row 7, column quota_proration_code: plan 'career' counts for life, and a life has no number of days to prorate by. Write none"
        ],
    ),
    "quota_tiers_without_a_quota": (
        [
            ("change", "plans", 2, {"quota_expression": ""}),
            ("delete", "bonuses", 2, {}),
            ("delete", "modifiers", 2, {}),
        ],
        [
            "seeds/plans/plans.csv row 2, column quota_expression: plan 'hunter' has tiers that are shares of quota (tier_basis_code quota_ratio) and no quota. Write the quota, @@Quota, or tier_basis_code amount"
        ],
    ),
    "incentive_without_a_quota": (
        [("change", "plans", 7, {"incentive_expression": "1000"})],
        [
            "seeds/plans/plans.csv row 7, column quota_expression: plan 'career' pays shares of an incentive by quota and has no quota. Write the quota, @@Quota, or leave incentive_expression empty"
        ],
    ),
    "payable_with_marginal": (
        [("change", "plans", 7, {"payable_expression": '"Amount"'})],
        [
            "seeds/plans/plans.csv row 7, column payable_expression: plan 'career' pays marginal rates, which fall on the parts of the value itself, not on another amount. Leave it empty, or write tier_method_code crossing, standing or retroactive"
        ],
    ),
    "first_bound_of_no_curve": (
        [("change", "plans", 2, {"tier_start_code": "first_bound", "tier_method_code": "standing"})],
        [
            "seeds/plans/plans.csv row 2, column tier_start_code: plan 'hunter' counts from the first bound of a curve (tier_start_code first_bound), and standing pays single rates, not a curve. Write tier_start_code zero, or tier_method_code marginal"
        ],
    ),
    "weight_without_weighted_average": (
        [("change", "plans", 5, {"aggregate_code": "average"})],
        [
            "seeds/plans/plans.csv row 5, column weight_expression: plan 'quality' has a weight and aggregate_code average. Write aggregate_code weighted_average or leave it empty"
        ],
    ),
    "weighted_average_without_a_weight": (
        [("change", "plans", 5, {"weight_expression": ""})],
        [
            "seeds/plans/plans.csv row 5, column weight_expression: plan 'quality' averages by weight and has no weight. Write the weight of a deal, \"Weight__c\", or aggregate_code average"
        ],
    ),
    "unknown_catalogue": (
        [("change", "plans", 4, {"catalogue_id": "points_2023"})],
        [
            "seeds/plans/plans.csv row 4, column catalogue_id: plan 'points' looks up the catalogue 'points_2023', which has no row in seeds/plans/catalogue.csv (known: points_2024). Did you mean points_2024? Add its rows or correct the name"
        ],
    ),
    "catalogue_without_a_key": (
        [("change", "plans", 4, {"catalogue_key_expression": ""})],
        [
            "seeds/plans/plans.csv row 4, column catalogue_key_expression: plan 'points' has a catalogue and no key to look up. Fill both, or leave both empty"
        ],
    ),
    "catalogue_key_without_a_catalogue": (
        [("change", "plans", 7, {"catalogue_key_expression": '"Type"'})],
        [
            "seeds/plans/plans.csv row 7, column catalogue_id: plan 'career' has a catalogue key and no catalogue. Fill both, or leave both empty"
        ],
    ),
    "versions_of_two_currencies": (
        [
            ("change", "plans", 7, {"valid_to": "2025-01-01"}),
            ("add", "plans", 7, {"valid_from": "2025-01-01", "valid_to": "", "currency_code": "EUR"}),
        ],
        [
            "seeds/plans/plans.csv rows 7 and 8, column currency_code: versions of plan 'career' differ: 'USD' (row 7) and 'EUR' (row 8). Write the same, or another plan_id for the new plan"
        ],
    ),
    "versions_of_two_calendars": (
        [
            ("change", "plans", 7, {"valid_to": "2025-01-01"}),
            ("add", "plans", 7, {"valid_from": "2025-01-01", "valid_to": "", "calendar_id": "month"}),
        ],
        [
            "seeds/plans/plans.csv rows 7 and 8, column calendar_id: plans that accumulate together as 'career' differ: 'life' (row 7) and 'month' (row 8). Write the same, or another progress_id in one of the rows"
        ],
    ),
    "shared_progress_of_two_aggregates": (
        [
            (
                "change",
                "plans",
                7,
                {"progress_id": "deal", "calendar_id": "transaction", "aggregate_code": "count"},
            )
        ],
        [
            "seeds/plans/plans.csv rows 6 and 7, column aggregate_code: plans that accumulate together as 'deal' differ: 'sum' (row 6) and 'count' (row 7). Write the same, or another progress_id in one of the rows"
        ],
    ),
    "overlapping_versions": (
        [("add", "plans", 7, {"valid_from": "2025-01-01"})],
        [
            "seeds/plans/plans.csv rows 7 and 8: two rows of plan_id 'career' hold at once (2024-01-01 to open and 2025-01-01 to open). End row 7 where row 8 starts: valid_to 2025-01-01"
        ],
    ),
    "name_with_a_key_separator": (
        [("change", "credit_rules", 2, {"rule_group": "main|extra"})],
        [
            "seeds/crediting/credit_rules.csv row 2, column rule_group: 'main|extra' contains |. Write the name in letters, digits, spaces, - and _"
        ],
    ),
    "name_with_an_apostrophe": (
        [("change", "credit_rules", 7, {"split_type": "Partner's"})],
        [
            "seeds/crediting/credit_rules.csv row 7, column split_type: 'Partner's' contains '. Write the name in letters, digits, spaces, - and _"
        ],
    ),
    "tier_with_rate_and_amount": (
        [("change", "tiers", 6, {"rate_expression": "0.05"})],
        [
            "seeds/plans/tiers.csv row 6, column rate_expression: tier 1 of plan 'points' has both a rate and an amount. Fill either rate_expression, 0.05 for 5 %, or tier_amount_expression"
        ],
    ),
    "tier_with_neither": (
        [("change", "tiers", 5, {"rate_expression": ""})],
        [
            "seeds/plans/tiers.csv row 5, column rate_expression: tier 2 of plan 'table' has neither a rate nor an amount. Fill either rate_expression, 0.05 for 5 %, or tier_amount_expression"
        ],
    ),
    "tiers_of_rates_and_amounts": (
        [
            ("change", "tiers", 4, {"rate_expression": "", "tier_amount_expression": "5"}),
            ("delete", "rates", 4, {}),
            ("delete", "rates", 3, {}),
            ("delete", "rates", 2, {}),
            ("change", "plans", 3, {"tier_method_code": "marginal", "payable_expression": ""}),
        ],
        [
            "seeds/plans/tiers.csv rows 4 and 5: the tiers of plan 'table' of 2024-01-01 are rates and amounts. Write rates in all of them or amounts in all"
        ],
    ),
    "amount_tier_without_an_end": (
        [("change", "tiers", 6, {"tier_to": ""})],
        [
            "seeds/plans/tiers.csv row 6, column tier_to: the last tier of plan_id 'points', valid_from '2024-01-01' has a tier_amount_expression and no end to reach it at. Write in tier_to where the amount is earned in full"
        ],
    ),
    "rate_tier_with_an_end": (
        [("change", "tiers", 5, {"tier_to": "90000"})],
        [
            "seeds/plans/tiers.csv row 5, column tier_to: the last tier of plan_id 'table', valid_from '2024-01-01' ends at 90000; nothing above it has a rate. Leave tier_to empty in the last tier"
        ],
    ),
    "overlapping_tiers": (
        [("change", "tiers", 4, {"tier_to": "60000"})],
        [
            "seeds/plans/tiers.csv rows 4 and 5: tiers of plan_id 'table', valid_from '2024-01-01' overlap ([0, 60000) and [50000, open)). End row 4 where row 5 starts: tier_to 50000"
        ],
    ),
    "tiers_that_end_on_two_days": (
        [("change", "tiers", 2, {"valid_to": "2025-01-01"})],
        [
            "seeds/plans/tiers.csv rows 2 and 3, column valid_to: the tiers of plan 'hunter' of 2024-01-01 do not end on one day: 2025-01-01, open. Write the same valid_to in all of them"
        ],
    ),
    "tiers_numbered_out_of_order": (
        [("change", "tiers", 2, {"tier_number": "2"}), ("change", "tiers", 3, {"tier_number": "1"})],
        [
            "seeds/plans/tiers.csv rows 2 and 3, column tier_number: the tiers of plan 'hunter' of 2024-01-01 are numbered 2, 1 from the lowest to the highest. Number them 1, 2"
        ],
    ),
    "tiers_of_an_average": (
        [
            (
                "add",
                "tiers",
                6,
                {"plan_id": "quality", "tier_amount_expression": "", "tier_to": "", "rate_expression": "0.1"},
            )
        ],
        [
            "seeds/plans/tiers.csv row 7: plan 'quality' (version of 2024-01-01) counts an average, which no single credit moves by an amount, and has tiers. Delete the tiers and write bonuses (seeds/plans/bonuses.csv), or aggregate_code sum"
        ],
    ),
    "amount_tiers_with_crossing": (
        [("change", "plans", 4, {"tier_method_code": "crossing"})],
        [
            "seeds/plans/tiers.csv row 6, column tier_amount_expression: plan 'points' (version of 2024-01-01) has tier_method_code crossing, which needs rates, and its tiers are amounts. Write tier_method_code marginal, or rates"
        ],
    ),
    "amount_tiers_with_an_incentive": (
        [("change", "plans", 4, {"incentive_expression": "1000", "quota_expression": "100"})],
        [
            "seeds/plans/tiers.csv row 6, column tier_amount_expression: plan 'points' (version of 2024-01-01) has an incentive, of which tiers are multiples, and its tiers are amounts. Leave incentive_expression empty, or write multiples in rate_expression"
        ],
    ),
    "rates_with_retroactive": (
        [("change", "plans", 3, {"tier_method_code": "retroactive"})],
        [
            "seeds/plans/rates.csv row 2: plan 'table' has a rate table and tier_method_code retroactive. Write marginal, crossing or standing"
        ],
    ),
    "rates_with_an_incentive": (
        [("change", "plans", 3, {"incentive_expression": "1000", "quota_expression": "100"})],
        [
            "seeds/plans/rates.csv row 2: plan 'table' has a rate table and an incentive. Leave incentive_expression or the rate table empty"
        ],
    ),
    "rates_with_amount_tiers": (
        [
            ("add", "rates", 4, {"plan_id": "points"}),
            ("change", "plans", 4, {"rate_dimension_1_expression": '"Type"'}),
        ],
        [
            "seeds/plans/rates.csv row 5: plan 'points' has a rate table, and its tiers are amounts. Write rates in seeds/plans/tiers.csv"
        ],
    ),
    "rates_without_a_dimension": (
        [("change", "plans", 3, {"rate_dimension_1_expression": ""})],
        [
            "seeds/plans/rates.csv row 2: plan 'table' has a rate table and no rate_dimension_1_expression. Write the field in rate_dimension_1_expression of seeds/plans/plans.csv, \"Type\""
        ],
    ),
    "rates_without_tiers": (
        [
            ("delete", "tiers", 5, {}),
            ("delete", "tiers", 4, {}),
            ("delete", "rates", 3, {}),
            ("delete", "rates", 2, {}),
        ],
        [
            "seeds/plans/rates.csv row 2: plan 'table' has a rate table from 2024-01-01 and no tiers, whose rates it multiplies. Add one tier to seeds/plans/tiers.csv: tier_number 1, tier_from 0, rate_expression 1"
        ],
    ),
    "rate_of_an_unknown_tier": (
        [("change", "rates", 3, {"tier_number": "3"})],
        [
            "seeds/plans/rates.csv row 3, column tier_number: plan 'table' has no tier 3 (known: 1, 2). Correct the number or add the tier"
        ],
    ),
    "rate_of_an_unknown_dimension": (
        [("change", "rates", 4, {"dimension_2_value": "Hardware"})],
        [
            "seeds/plans/rates.csv row 4, column dimension_2_value: plan 'table' has no rate_dimension_2_expression, so that 'Hardware' never fits. Write rate_dimension_2_expression in seeds/plans/plans.csv, or leave the cell empty"
        ],
    ),
    "rate_that_a_tier_lacks": (
        [("delete", "rates", 4, {}), ("delete", "rates", 3, {})],
        [
            "seeds/plans/rates.csv row 2, column tier_number: plan 'table' has on 2024-01-01 no rate in tier 2 for the dimensions 'EU', any, any. Add a row for each of these tiers, or one with an empty tier_number for all"
        ],
    ),
    "second_amount_of_a_step": (
        [("change", "bonuses", 2, {"bonus_kind_code": "step"})],
        [
            "seeds/plans/bonuses.csv row 2, column amount_to_expression: bonus 1 of plan 'hunter' is a step and has a second amount. Leave it empty, or write bonus_kind_code linear"
        ],
    ),
    "rise_without_an_end": (
        [("change", "bonuses", 2, {"basis_to": ""})],
        [
            "seeds/plans/bonuses.csv row 2, column basis_to: bonus 1 of plan 'hunter' rises to a second amount at no end. Write where the second amount is reached, or leave amount_to_expression empty"
        ],
    ),
    "rank_each_month": (
        [("change", "bonuses", 3, {"frequency_code": "month"})],
        [
            "seeds/plans/bonuses.csv row 3, column frequency_code: bonus 1 of plan 'quality' is a rank, which is known when the window ends, and due each month. Write frequency_code window"
        ],
    ),
    "bonus_range_upside_down": (
        [("change", "bonuses", 2, {"basis_from": "2", "basis_to": "1"})],
        [
            "seeds/plans/bonuses.csv row 2, column basis_to: bonus 1 of plan 'hunter' ends at 1, not above its start 2. Raise basis_to"
        ],
    ),
    "half_a_position": (
        [("change", "bonuses", 3, {"basis_from": "1.5"})],
        [
            "seeds/plans/bonuses.csv row 3, column basis_from: bonus 1 of plan 'quality' is a rank and has the position 1.5. Write a whole number, 1 for the first"
        ],
    ),
    "position_zero": (
        [("change", "bonuses", 3, {"basis_from": "0"})],
        [
            "seeds/plans/bonuses.csv row 3, column basis_from: bonus 1 of plan 'quality' is a rank and starts at position 0. Write 1 for the first"
        ],
    ),
    "two_prizes_for_one_position": (
        [("change", "bonuses", 3, {"basis_to": "3"})],
        [
            "seeds/plans/bonuses.csv rows 3 and 4, column basis_to: bonuses 1 and 2 of plan 'quality' both give a prize to position 2. End row 3 where row 4 starts: basis_to 2"
        ],
    ),
    "bonus_of_a_transaction_calendar": (
        [("add", "bonuses", 3, {"plan_id": "deal"})],
        [
            "seeds/plans/bonuses.csv row 5: bonus 1 of plan 'deal' looks at a window, and the plan's calendar is transaction. Give the bonus to a plan that counts by month, quarter or year"
        ],
    ),
    "bonus_when_a_life_ends": (
        [("add", "bonuses", 3, {"plan_id": "career", "bonus_kind_code": "step"})],
        [
            "seeds/plans/bonuses.csv row 5, column frequency_code: bonus 1 of plan 'career' is due when the window ends, and the plan's calendar life never ends. Write frequency_code month"
        ],
    ),
    "bonus_on_attainment_without_a_quota": (
        [
            ("change", "plans", 5, {"quota_expression": ""}),
            ("change", "bonuses", 3, {"basis_code": "attainment_ratio"}),
            ("delete", "bonuses", 4, {}),
        ],
        [
            "seeds/plans/bonuses.csv row 3, column basis_code: bonus 1 of plan 'quality' looks at the attainment ratio, and the plan has no quota. Write quota_expression in seeds/plans/plans.csv, or basis_code attained_amount"
        ],
    ),
    "gate_without_a_condition": (
        [("change", "modifiers", 2, {"condition_plan_id": "", "condition_from": ""})],
        [
            "seeds/plans/modifiers.csv row 2, column condition_plan_id: modifier 1 (gate) of plan 'table' has no condition to open by. Write the plan whose attainment decides, and condition_from"
        ],
    ),
    "gate_with_an_amount": (
        [("change", "modifiers", 2, {"amount_expression": "1"})],
        [
            "seeds/plans/modifiers.csv row 2, column amount_expression: modifier 1 (gate) of plan 'table' lets pass all or nothing and has an amount. Leave it empty, or write multiplier"
        ],
    ),
    "condition_without_a_start": (
        [("change", "modifiers", 2, {"condition_from": ""})],
        [
            "seeds/plans/modifiers.csv row 2, column condition_from: modifier 1 (gate) of plan 'table' has a condition without a start. Write the attainment ratio from which it holds, 1 for 100 %, or 0"
        ],
    ),
    "condition_upside_down": (
        [("change", "modifiers", 2, {"condition_to": "0.2"})],
        [
            "seeds/plans/modifiers.csv row 2, column condition_to: modifier 1 (gate) of plan 'table' has a condition that ends at 0.2, not above its start 0.5. Raise condition_to"
        ],
    ),
    "condition_of_no_plan": (
        [("change", "modifiers", 5, {"condition_from": "0.2"})],
        [
            "seeds/plans/modifiers.csv row 5, column condition_plan_id: modifier 1 (multiplier) of plan 'career' has a condition of no plan. Write the plan whose attainment decides"
        ],
    ),
    "condition_on_a_plan_without_quota": (
        [("change", "modifiers", 2, {"condition_plan_id": "career"})],
        [
            "seeds/plans/modifiers.csv row 2, column condition_plan_id: modifier 1 (gate) of plan 'table' looks at the attainment of plan 'career', which has no quota. Name a plan with a quota_expression, or write one in seeds/plans/plans.csv"
        ],
    ),
    "condition_on_a_transaction_calendar": (
        [
            ("change", "modifiers", 2, {"condition_plan_id": "deal"}),
            ("change", "plans", 6, {"quota_expression": "100"}),
        ],
        [
            "seeds/plans/modifiers.csv row 2, column condition_plan_id: modifier 1 (gate) of plan 'table' looks at the attainment of plan 'deal', whose calendar transaction has no windows. Name a plan that counts by month, quarter or year"
        ],
    ),
    "condition_on_a_plan_of_another_time": (
        [("change", "modifiers", 2, {"valid_from": "2020-01-01", "valid_to": "2021-01-01"})],
        [
            "seeds/plans/modifiers.csv row 2, column condition_plan_id: modifier 1 (gate) of plan 'table' looks at plan 'hunter', which has no version while the modifier holds. Correct the plan or the dates"
        ],
    ),
    "cap_without_a_scope": (
        [("change", "modifiers", 3, {"scope_code": ""})],
        [
            "seeds/plans/modifiers.csv row 3, column scope_code: modifier 2 (cap) of plan 'table' does not say over what it adds up. Write deal, month or year"
        ],
    ),
    "cap_without_an_amount": (
        [("change", "modifiers", 3, {"amount_expression": ""})],
        [
            "seeds/plans/modifiers.csv row 3, column amount_expression: modifier 2 (cap) of plan 'table' has no amount. Write the amount, 10000"
        ],
    ),
    "cap_with_a_condition": (
        [("change", "modifiers", 3, {"condition_plan_id": "hunter"})],
        [
            "seeds/plans/modifiers.csv row 3, column condition_plan_id: modifier 2 (cap) of plan 'table' always holds and has a condition. Leave the condition cells empty"
        ],
    ),
    "multiplier_with_a_scope": (
        [("change", "modifiers", 5, {"scope_code": "deal"})],
        [
            "seeds/plans/modifiers.csv row 5, column scope_code: modifier 1 (multiplier) of plan 'career' is applied to each reward and has the scope deal. Leave it empty"
        ],
    ),
    "multiplier_without_a_factor": (
        [("change", "modifiers", 5, {"amount_expression": ""})],
        [
            "seeds/plans/modifiers.csv row 5, column amount_expression: modifier 1 (multiplier) of plan 'career' has no amount. Write the factor, 1.2"
        ],
    ),
    "monthly_floor_of_a_transaction_calendar": (
        [("change", "modifiers", 4, {"scope_code": "month"})],
        [
            "seeds/plans/modifiers.csv row 4, column scope_code: modifier 1 (floor) of plan 'deal' tops up a month, and the plan's calendar is transaction. Write scope_code deal, or calendar_id month"
        ],
    ),
    "payee_rule_without_a_payee": (
        [("change", "credit_rules", 8, {"payee_expression": ""})],
        [
            "seeds/crediting/credit_rules.csv row 8, column payee_expression: rule 'engineer' of plan 'table' credits a payee and does not say which. Write the payee: a field, \"Sales_Engineer__c\", or an id in single quotes, '275'"
        ],
    ),
    "owner_rule_with_a_payee": (
        [("change", "credit_rules", 2, {"payee_expression": "'275'"})],
        [
            "seeds/crediting/credit_rules.csv row 2, column payee_expression: rule 'owner' of plan 'hunter' credits the owner and names another person. Leave it empty, or write recipient_code payee or team"
        ],
    ),
    "splits_with_a_share": (
        [("change", "credit_rules", 7, {"share_expression": "0.5"})],
        [
            "seeds/crediting/credit_rules.csv row 7, column share_expression: rule 'splits' of plan 'table' credits splits, which are shares already, and has a share. Leave it empty"
        ],
    ),
    "owner_rule_that_speaks_of_splits": (
        [("change", "credit_rules", 2, {"split_total_code": "any"})],
        [
            "seeds/crediting/credit_rules.csv row 2, column split_total_code: rule 'owner' of plan 'hunter' credits the owner and speaks of splits. Leave it empty, or write recipient_code splits"
        ],
    ),
    "two_rules_of_one_priority": (
        [("change", "credit_rules", 8, {"priority": "1"})],
        [
            "seeds/crediting/credit_rules.csv rows 7 and 8, column priority: rules 'splits' and 'engineer' of plan 'table', group 'main', both have priority 1. Write which of them is tried first: 1, 2, ..."
        ],
    ),
    "plan_without_a_rule": (
        [("delete", "credit_rules", 6, {})],
        [
            "seeds/plans/plans.csv row 7, column plan_id: plan 'career' has no credit rule on its first day 2024-01-01; nobody would be credited. Add a rule to seeds/crediting/credit_rules.csv, for example recipient_code owner"
        ],
    ),
    "plan_whose_rule_starts_late": (
        [("change", "credit_rules", 6, {"valid_from": "2024-02-01"})],
        [
            "seeds/plans/plans.csv row 7, column plan_id: plan 'career' has no credit rule on its first day 2024-01-01 (the next one starts on 2024-02-01); nobody would be credited. Add a rule to seeds/crediting/credit_rules.csv, for example recipient_code owner"
        ],
    ),
    "negative_roll_up": (
        [("change", "rollup_levels", 2, {"level_factor": "-0.5"})],
        [
            "seeds/crediting/rollup_levels.csv row 2, column level_factor: level_factor -0.5 of plan 'hunter' is negative. Write the share of the credit, 1 for all of it"
        ],
    ),
    "unknown_team_above": (
        [("change", "teams", 3, {"parent_team_id": "wrld"})],
        [
            "seeds/crediting/teams.csv row 3, column parent_team_id: team 'west' belongs to 'wrld', which is not in seeds/crediting/teams.csv. Did you mean world? Add the team or correct the name"
        ],
    ),
    "teams_in_a_circle": (
        [("change", "teams", 2, {"parent_team_id": "west"})],
        [
            "seeds/crediting/teams.csv rows 2 and 3, column parent_team_id: teams are above themselves on 2024-01-01: world > west > world. Empty the parent_team_id of the highest of them"
        ],
    ),
    "variable_with_its_signs": (
        [
            ("change", "variables", 6, {"variable_name": "@@Weight"}),
            ("change", "plans", 5, {"weight_expression": '"Amount"'}),
        ],
        [
            "seeds/plans/variables.csv row 6, column variable_name: '@@Weight' cannot be written as a variable. Write Weight without @@"
        ],
    ),
    "variable_with_a_space": (
        [
            ("change", "variables", 6, {"variable_name": "The weight"}),
            ("change", "plans", 5, {"weight_expression": '"Amount"'}),
        ],
        [
            "seeds/plans/variables.csv row 6, column variable_name: 'The weight' cannot be written as a variable. Write letters, digits and _"
        ],
    ),
    "variable_named_like_the_catalogue": (
        [("add", "variables", 6, {"variable_name": "CatalogueValue"})],
        [
            "seeds/plans/variables.csv row 8, column variable_name: CatalogueValue is reserved for a catalogue's value. Choose another name"
        ],
    ),
    "variables_that_differ_in_capitals": (
        [("add", "variables", 6, {"variable_name": "weight"})],
        [
            "seeds/plans/variables.csv rows 6 and 8, column variable_name: 'Weight' and 'weight' differ in capitals only. Write one name"
        ],
    ),
    "global_variable_with_an_owner": (
        [("change", "variables", 6, {"scope_id": "hunter"})],
        [
            "seeds/plans/variables.csv row 6, column scope_id: variable 'Weight' holds for all and names 'hunter'. Leave it empty"
        ],
    ),
    "payee_variable_without_a_payee": (
        [("change", "variables", 2, {"scope_id": ""})],
        [
            "seeds/plans/variables.csv row 2, column scope_id: variable 'Quota' does not say of which payee. Write the id of the payee"
        ],
    ),
    "variable_of_an_unknown_plan": (
        [("add", "variables", 5, {"scope_id": "huntr"})],
        [
            "seeds/plans/variables.csv row 8, column scope_id: variable 'BaseRate' belongs to the plan 'huntr', which is not in seeds/plans/plans.csv (known: career, deal, hunter, points, quality, table). Did you mean hunter? Correct the id or add the plan"
        ],
    ),
    "variable_of_an_unknown_team": (
        [("change", "variables", 3, {"scope_id": "wset"})],
        [
            "seeds/plans/variables.csv row 3, column scope_id: variable 'Quota' belongs to the team 'wset', which is not in seeds/crediting/teams.csv, team_memberships.csv and the territories of the HRIS (known: 9, west, world). Did you mean west? Correct the id or add the team"
        ],
    ),
    "window_gap": (
        [("change", "windows", 3, {"window_from": "2024-07-02"})],
        [
            "seeds/calendar/windows.csv rows 2 and 3, column window_to: the calendar 'fiscal' has no window from 2024-07-01 to 2024-07-02 (between '2024H1' and '2024H2'); a deal of these days earns nothing. Start row 3 where row 2 ends, or add a window for the days between"
        ],
    ),
    "misspelt_field": (
        [("change", "plans", 2, {"filter_expression": "\"Typ\" = 'New'"})],
        [
            'seeds/plans/plans.csv row 2, column filter_expression: plan \'hunter\', expression `"Typ" = \'New\'`: there is no field "Typ" in crm/Opportunity. Did you mean "Type"?'
        ],
    ),
    "field_of_the_extract_header_only": (
        [("change", "plans", 3, {"rate_dimension_1_expression": '"Regoin__c"'})],
        [
            'seeds/plans/plans.csv row 3, column rate_dimension_1_expression: plan \'table\', expression `"Regoin__c"`: there is no field "Regoin__c" in crm/Opportunity. Did you mean "Region__c"?'
        ],
    ),
    "variable_without_a_value": (
        [("change", "tiers", 3, {"rate_expression": "@@BaseRte * 2"})],
        [
            "seeds/plans/tiers.csv row 3, column rate_expression: plan 'hunter', expression `@@BaseRte * 2`: the variable @@BaseRte has no value in seeds/plans/variables.csv. Did you mean @@BaseRate? If not, add a row with variable_name BaseRte"
        ],
    ),
    "deal_variable_with_payee_values_only": (
        [("change", "plans", 5, {"weight_expression": '"Amount" * @@Bonus'})],
        [
            "seeds/plans/plans.csv row 5, column weight_expression: plan 'quality', expression `\"Amount\" * @@Bonus`: the variable @@Bonus has values of other scopes only (payee 275, ...); for a deal it is read by plan, then global. Add a row of scope plan (quality) or global to seeds/plans/variables.csv"
        ],
    ),
    "variable_of_another_plan": (
        [("change", "tiers", 5, {"rate_expression": "@@BaseRate"})],
        [
            "seeds/plans/tiers.csv row 5, column rate_expression: plan 'table', expression `@@BaseRate`: the variable @@BaseRate has values of other scopes only (plan hunter, ...); here it is read by payee, then team, then plan, then global. Add a row of scope plan (table) or global to seeds/plans/variables.csv"
        ],
    ),
    "variable_of_another_time": (
        [("change", "variables", 5, {"valid_from": "2020-01-01", "valid_to": "2023-01-01"})],
        [
            "seeds/plans/tiers.csv row 2, column rate_expression: plan 'hunter', expression `@@BaseRate`: the variable @@BaseRate has no value between 2024-01-01 and open. Correct the dates in seeds/plans/variables.csv or add a row",
            "seeds/plans/tiers.csv row 3, column rate_expression: plan 'hunter', expression `@@BaseRate * 2`: the variable @@BaseRate has no value between 2024-01-01 and open. Correct the dates in seeds/plans/variables.csv or add a row",
        ],
    ),
    "catalogue_value_without_a_catalogue": (
        [("change", "plans", 7, {"value_expression": "@@CatalogueValue"})],
        [
            "seeds/plans/plans.csv row 7, column value_expression: plan 'career', expression `@@CatalogueValue`: @@CatalogueValue has no value here. It stands in value_expression and payable_expression of a plan with a catalogue_id"
        ],
    ),
    "catalogue_value_in_a_filter": (
        [("change", "plans", 4, {"filter_expression": "@@CatalogueValue > 0"})],
        [
            "seeds/plans/plans.csv row 4, column filter_expression: plan 'points', expression `@@CatalogueValue > 0`: @@CatalogueValue has no value here. It stands in value_expression and payable_expression of a plan with a catalogue_id"
        ],
    ),
    "rate_in_percent": (
        [("change", "tiers", 5, {"rate_expression": "150%"})],
        [
            "seeds/plans/tiers.csv row 5, column rate_expression: plan 'table', expression `150%`: 150% is not a number. Write it as a decimal, 1.50"
        ],
    ),
    "rate_of_a_field": (
        [("change", "tiers", 5, {"rate_expression": '"Amount" * 0.1'})],
        [
            "seeds/plans/tiers.csv row 5, column rate_expression: plan 'table', expression `\"Amount\" * 0.1`: names the field Amount, but this number belongs to a payee and a day, not to a deal. Write numbers and @@variables only"
        ],
    ),
    "recipient_without_quotation_marks": (
        [("change", "credit_rules", 8, {"payee_expression": "275"})],
        [
            "seeds/crediting/credit_rules.csv row 8, column payee_expression: plan 'table', expression `275`: gives a number, not a text. Write '275' in single quotes"
        ],
    ),
    "share_by_division": (
        [("change", "credit_rules", 8, {"share_expression": "1 / 3"})],
        [
            "seeds/crediting/credit_rules.csv row 8, column share_expression: plan 'table', expression `1 / 3`: 1 / 3 divides with /, which leaves exact decimals. Write divide(1, 3)"
        ],
    ),
    "rule_on_an_unknown_field": (
        [("change", "credit_rules", 8, {"condition_expression": '"Amonut" > 0'})],
        [
            'seeds/crediting/credit_rules.csv row 8, column condition_expression: plan \'table\', expression `"Amonut" > 0`: there is no field "Amonut" in crm/Opportunity. Did you mean "Amount"?'
        ],
    ),
    "quota_that_is_a_text": (
        [("change", "plans", 5, {"quota_expression": "'100'"})],
        [
            "seeds/plans/plans.csv row 5, column quota_expression: plan 'quality', expression `'100'`: gives a text, not a number. Write 100 without quotation marks"
        ],
    ),
    "bonus_by_an_average": (
        [("change", "bonuses", 3, {"amount_expression": "avg(@@Bonus)"})],
        [
            "seeds/plans/bonuses.csv row 3, column amount_expression: plan 'quality', expression `avg(@@Bonus)`: avg looks at several deals; an expression sees one. Deals are added up by the plan's aggregate_code and calendar_id"
        ],
    ),
    "cap_with_a_currency": (
        [("change", "modifiers", 3, {"amount_expression": "$10000"})],
        [
            "seeds/plans/modifiers.csv row 3, column amount_expression: plan 'table', expression `$10000`: $ has no meaning. Amounts are plain numbers, 12500.00; their currency is the plan's"
        ],
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_with_its_fix(company: PlanCompany, mistake: str) -> None:
    changes, expected = MISTAKES[mistake]
    for operation, table, row, cells in changes:
        getattr(company, operation)(table, row, **cells)
    assert problems(company) == expected


def test_the_three_likeliest_mistakes_in_full(company: PlanCompany) -> None:
    company.change("plans", 2, filter_expression='"Typ" = \'New\' and "StageName" = "Closed Won"')
    company.change("tiers", 3, rate_expression="@@BaseRte * 2")
    company.add("plans", 7, valid_from="2025-01-01")
    company.change("tiers", 4, tier_to="60000")
    company.write()
    assert (
        render(check_seeds(company.root, company.extracts))
        == """\
seeds/plans/plans.csv
  seeds/plans/plans.csv row 2, column filter_expression: plan 'hunter', expression `"Typ" = 'New' and "StageName" = "Closed Won"`: there is no field "Closed Won" in crm/Opportunity. Did you mean the text 'Closed Won' (in single quotes)?
  seeds/plans/plans.csv row 2, column filter_expression: plan 'hunter', expression `"Typ" = 'New' and "StageName" = "Closed Won"`: there is no field "Typ" in crm/Opportunity. Did you mean "Type"?
  seeds/plans/plans.csv rows 7 and 8: two rows of plan_id 'career' hold at once (2024-01-01 to open and 2025-01-01 to open). End row 7 where row 8 starts: valid_to 2025-01-01
seeds/plans/tiers.csv
  seeds/plans/tiers.csv row 3, column rate_expression: plan 'hunter', expression `@@BaseRte * 2`: the variable @@BaseRte has no value in seeds/plans/variables.csv. Did you mean @@BaseRate? If not, add a row with variable_name BaseRte
  seeds/plans/tiers.csv rows 4 and 5: tiers of plan_id 'table', valid_from '2024-01-01' overlap ([0, 60000) and [50000, open)). End row 4 where row 5 starts: tier_to 50000"""
    )


ALLOWED: dict[str, list[Change]] = {
    "custom_field_of_the_extract": [("change", "plans", 7, {"filter_expression": "\"Region__c\" = 'EU'"})],
    "version_with_its_own_progress": [
        ("change", "plans", 7, {"valid_to": "2025-01-01"}),
        (
            "add",
            "plans",
            7,
            {"valid_from": "2025-01-01", "valid_to": "", "calendar_id": "month", "progress_id": "new"},
        ),
    ],
    "versions_that_touch": [
        ("change", "plans", 7, {"valid_to": "2025-01-01"}),
        ("add", "plans", 7, {"valid_from": "2025-01-01", "valid_to": "", "payout_event_code": "collection"}),
    ],
    "tiers_from_below_zero": [("change", "tiers", 4, {"tier_from": "-1000000"})],
    "tiers_counted_from_below_zero": [
        ("change", "tiers", 4, {"tier_from": "-1000000"}),
        ("change", "plans", 7, {"tier_start_code": "first_bound"}),
    ],
    "rate_of_one_tier_under_a_row_for_all": [
        ("delete", "rates", 3, {}),
        ("change", "rates", 2, {"tier_number": "2"}),
    ],
    "condition_of_a_multiplier": [
        (
            "change",
            "modifiers",
            5,
            {"condition_plan_id": "hunter", "condition_from": "1", "condition_to": "2"},
        )
    ],
    "monthly_cap_of_a_transaction_calendar": [
        ("change", "modifiers", 4, {"modifier_kind_code": "cap", "scope_code": "month"})
    ],
    "same_priority_one_after_the_other": [
        ("change", "credit_rules", 8, {"priority": "1", "valid_from": "2025-01-01"}),
        ("change", "credit_rules", 7, {"valid_to": "2025-01-01"}),
    ],
    "same_priority_in_two_groups": [
        ("change", "credit_rules", 8, {"priority": "1", "rule_group": "overlay"})
    ],
    "teams_that_swap": [
        ("change", "teams", 2, {"valid_to": "2025-01-01"}),
        ("change", "teams", 3, {"valid_to": "2025-01-01"}),
        ("add", "teams", 2, {"valid_from": "2025-01-01", "valid_to": "", "parent_team_id": "west"}),
        ("add", "teams", 3, {"valid_from": "2025-01-01", "valid_to": "", "parent_team_id": ""}),
    ],
    "draw_after_a_guarantee": [
        ("change", "draws", 2, {"draw_kind_code": "non_recoverable", "valid_to": "2024-03-01"}),
        ("add", "draws", 2, {"draw_id": "second", "valid_from": "2024-03-01", "valid_to": ""}),
    ],
    "draw_in_the_month_in_which_a_guarantee_ends": [  # March is of the guarantee, the draw begins with April
        ("change", "draws", 2, {"draw_kind_code": "non_recoverable", "valid_to": "2024-03-20"}),
        ("add", "draws", 2, {"draw_id": "second", "valid_from": "2024-03-02", "valid_to": ""}),
    ],
    "draw_whose_terms_change": [
        ("change", "draws", 2, {"valid_to": "2024-03-01"}),
        ("add", "draws", 2, {"valid_from": "2024-03-01", "valid_to": "", "amount": "3000"}),
    ],
    "draws_of_two_plans": [("add", "draws", 2, {"draw_id": "second", "plan_id": "career"})],
    "draws_of_two_payees": [("add", "draws", 2, {"draw_id": "second", "payee_id": "276"})],
    "open_last_rank": [("change", "bonuses", 4, {"basis_to": ""})],
    "monthly_bonus_of_a_life": [
        ("add", "bonuses", 3, {"plan_id": "career", "bonus_kind_code": "step", "frequency_code": "month"})
    ],
}


@pytest.mark.parametrize("case", ALLOWED)
def test_what_is_allowed_stays_silent(company: PlanCompany, case: str) -> None:
    for operation, table, row, cells in ALLOWED[case]:
        getattr(company, operation)(table, row, **cells)
    assert problems(company) == []


def test_a_table_without_a_column_is_told_once(company: PlanCompany) -> None:
    company.write()
    path = company.root / "seeds" / "plans" / "plans.csv"
    path.write_text(path.read_text().replace("calendar_id", "calender_id", 1))
    assert [str(problem) for problem in check_seeds(company.root, company.extracts)] == [
        "seeds/plans/plans.csv row 1, column calendar_id: missing column. Add `calendar_id` to the header",
        "seeds/plans/plans.csv row 1, column calender_id: unknown column. Did you mean calendar_id?",
    ]


def test_a_date_that_is_none_silences_the_rules_about_its_row_only(company: PlanCompany) -> None:
    company.change("tiers", 6, valid_from="1/1/2024", tier_number="7")
    company.change("plans", 7, payable_expression='"Amount"')
    first, second = problems(company)
    assert first.startswith(
        "seeds/plans/plans.csv row 7, column payable_expression: plan 'career' pays marginal"
    )
    assert second == (
        "seeds/plans/tiers.csv row 6, column valid_from: '1/1/2024' is not a date. "
        "Write the day as YYYY-MM-DD, 2013-01-31"
    )


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_a_custom_field_is_unknown_without_the_extract_that_has_it(company: PlanCompany, ending: str) -> None:
    company.write()
    assert [problem.column for problem in check_seeds(company.root)] == [
        "payable_expression",
        "rate_dimension_1_expression",
    ]
    path = company.extracts / "crm" / "Opportunity.csv"
    path.unlink()
    if ending:
        import gzip

        path.with_name("Opportunity.csv.gz").write_bytes(gzip.compress(b"Id,Margin__c\n"))
    else:
        write_text(path, ["Id,Margin__c"])
    (problem,) = check_seeds(company.root, company.extracts)
    assert (
        problem.message
        == 'plan \'table\', expression `"Region__c"`: there is no field "Region__c" in crm/Opportunity'
    )


def test_territories_are_known_from_the_extract(company: PlanCompany) -> None:
    company.write()
    write_text(company.extracts / "hris" / "territory_history.csv", ["employeeId,territoryId", "275,8"])
    (problem,) = check_seeds(company.root, company.extracts)
    assert (problem.rows, problem.column) == ((4,), "scope_id")
    assert "belongs to the team '9'" in problem.message


def test_seeds_are_checked_where_dbt_loads_them_from(tmp_path: Path) -> None:
    (tmp_path / "dbt_project").mkdir()
    env: dict[str, Any] = {}
    assert seeds_folder(tmp_path, env) == (tmp_path / "seeds").resolve()
    assert seeds_folder(tmp_path, {"COMMISSIONS_SEEDS": "../others"}) == (tmp_path / "others").resolve()
    assert seeds_folder(tmp_path, {"COMMISSIONS_SEEDS": "/elsewhere/seeds"}) == Path("/elsewhere/seeds")


def test_a_misspelt_plan_stands_before_what_follows_from_it(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "seeds", tmp_path / "seeds")
    tiers = tmp_path / "seeds" / "plans" / "tiers.csv"
    header, first, second, *rest = tiers.read_text().splitlines(keepends=True)
    tiers.write_text("".join([header, first, second.replace("reseller,", "reseler,", 1), *rest]))
    found = [str(problem) for problem in check_seeds(ROOT, ROOT / "ingestion" / "sample", tmp_path / "seeds")]
    assert found[0].startswith(
        "seeds/plans/tiers.csv row 3, column plan_id: 'reseler' is not in seeds/plans/plans.csv"
    )
    assert any(problem.startswith("seeds/plans/tiers.csv rows 2 and 4: ") for problem in found[1:])


def test_a_plan_renamed_by_mistake_is_shown_before_those_that_name_it(company: PlanCompany) -> None:
    company.change("plans", 2, plan_id="huntr")
    company.write()
    found = check_seeds(company.root, company.extracts)
    assert {problem.file for problem in found} > {"seeds/plans/plans.csv"}
    assert found[0].file == render(found).splitlines()[0] == "seeds/plans/plans.csv"
    assert "huntr" in found[0].message
