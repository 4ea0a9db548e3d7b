"""What the plans, their tiers and their rate tables must agree on."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from ingestion.models import DEALS
from orchestration.plans.checks.problems import Problem, did_you_mean, shown
from orchestration.plans.checks.tables import Company, Row

Dimensions = tuple[str, str, str]

SPLITS = "OpportunitySplit"  # stands in current_fields for the splits of the CRM
SETTLE_DAYS_MAX = 366
BUILT_IN_CALENDARS = ("transaction", "month", "quarter", "year", "life")


def source_rules(company: Company) -> Iterator[Problem]:
    """The source object is one of the data pool, and has a model for the plan's amount basis."""
    for plan in company["plans"]:
        source, basis = plan["source_object"], plan["amount_basis_code"]
        if source and source not in company.sources:
            near = did_you_mean(source, company.sources)
            yield plan.problem(
                "source_object",
                f"plan '{plan['plan_id']}' pays on '{source}', which the data pool does not hold",
                f"{near or 'Write one of: ' + shown(sorted(company.sources))} "
                "(vars.transaction_sources of dbt_project/dbt_project.yml)",
            )
        elif source and basis and basis not in company.sources[source]:
            yield plan.problem(
                "amount_basis_code",
                f"plan '{plan['plan_id']}' values {source} {basis}, and the data pool has no model for that",
                f"Write one of: {shown(sorted(company.sources[source]))}",
            )


def deal_version_rules(company: Company) -> Iterator[Problem]:
    """What settles a close and what stays current is said of plans as of the close, in whole days and known fields."""
    for plan in company["plans"]:
        name, basis = f"plan '{plan['plan_id']}'", plan["amount_basis_code"]
        days = plan.number_in("settle_days")
        if days is not None and (days < 0 or days > SETTLE_DAYS_MAX):
            yield plan.problem(
                "settle_days",
                f"{name} lets a close settle for {plan['settle_days']} days",
                f"Write a whole number from 0 to {SETTLE_DAYS_MAX}",
            )
        if basis != "current":
            yield from _current_field_problems(company, plan)
            continue
        if days:
            yield plan.problem(
                "settle_days",
                f"{name} reads deals as they are now (amount_basis_code current), where nothing has to settle",
                "Write 0, or amount_basis_code as_of_close",
            )
        if plan["current_fields"]:
            yield plan.problem(
                "current_fields",
                f"{name} reads all fields as they are now (amount_basis_code current)",
                "Leave it empty, or write amount_basis_code as_of_close",
            )


def _current_field_problems(company: Company, plan: Row) -> Iterator[Problem]:
    source = plan["source_object"]
    known = company.fields_of(source) if source in company.sources else {}
    if not plan["current_fields"] or not known:
        return
    for cell in plan["current_fields"].split(","):
        name = cell.strip()
        if name in known or (name == SPLITS and source == DEALS):
            continue
        yield plan.problem(
            "current_fields",
            f"plan '{plan['plan_id']}' names '{name}', which is not a field of {source}"
            if name
            else f"plan '{plan['plan_id']}' has a comma with no field beside it",
            f"{did_you_mean(name, known) if name else ''} Write the source's own names, separated by commas".strip(),
        )


def calendar_rules(company: Company) -> Iterator[Problem]:
    """The calendar is built in or in calendar/windows.csv; a life that never ends is not prorated by its days."""
    known = [*BUILT_IN_CALENDARS, *sorted({row["calendar_id"] for row in company["windows"]})]
    for plan in company["plans"]:
        calendar = plan["calendar_id"]
        if calendar and calendar not in known:
            yield plan.problem(
                "calendar_id",
                f"plan '{plan['plan_id']}' counts in the calendar '{calendar}', which is not known",
                f"{did_you_mean(calendar, known) or 'Write one of: ' + shown(known) + '.'} "
                "Add its windows to seeds/calendar/windows.csv or correct the name",
            )
        for column in ("quota_proration_code", "incentive_proration_code"):
            if calendar == "life" and plan[column] == "days_on_plan":
                yield plan.problem(
                    column,
                    f"plan '{plan['plan_id']}' counts for life, and a life has no number of days to prorate by",
                    "Write none",
                )


def number_rules(company: Company) -> Iterator[Problem]:
    """Numbers that need another number: a quota, a weight, a catalogue, a rate on another value."""
    for plan in company["plans"]:
        name = f"plan '{plan['plan_id']}'"
        if plan["tier_basis_code"] == "quota_ratio" and not plan["quota_expression"]:
            yield plan.problem(
                "quota_expression",
                f"{name} has tiers that are shares of quota (tier_basis_code quota_ratio) and no quota",
                "Write the quota, @@Quota, or tier_basis_code amount",
            )
        if plan["incentive_expression"] and not plan["quota_expression"]:
            yield plan.problem(
                "quota_expression",
                f"{name} pays shares of an incentive by quota and has no quota",
                "Write the quota, @@Quota, or leave incentive_expression empty",
            )
        if plan["payable_expression"] and plan["tier_method_code"] == "marginal":
            yield plan.problem(
                "payable_expression",
                f"{name} pays marginal rates, which fall on the parts of the value itself, not on another amount",
                "Leave it empty, or write tier_method_code crossing, standing or retroactive",
            )
        if plan["tier_start_code"] == "first_bound" and plan["tier_method_code"] != "marginal":
            yield plan.problem(
                "tier_start_code",
                f"{name} counts from the first bound of a curve (tier_start_code first_bound), and "
                f"{plan['tier_method_code']} pays single rates, not a curve",
                "Write tier_start_code zero, or tier_method_code marginal",
            )
        if bool(plan["weight_expression"]) != (plan["aggregate_code"] == "weighted_average"):
            yield plan.problem(
                "weight_expression",
                f"{name} has a weight and aggregate_code {plan['aggregate_code'] or '(empty)'}"
                if plan["weight_expression"]
                else f"{name} averages by weight and has no weight",
                "Write aggregate_code weighted_average or leave it empty"
                if plan["weight_expression"]
                else 'Write the weight of a deal, "Weight__c", or aggregate_code average',
            )


def catalogue_rules(company: Company) -> Iterator[Problem]:
    """A catalogue and its key come together, and the catalogue is in catalogue.csv."""
    known = {row["catalogue_id"] for row in company["catalogue"]}
    for plan in company["plans"]:
        catalogue, key = plan["catalogue_id"], plan["catalogue_key_expression"]
        if catalogue and catalogue not in known:
            yield plan.problem(
                "catalogue_id",
                f"plan '{plan['plan_id']}' looks up the catalogue '{catalogue}', which has no row in "
                f"seeds/plans/catalogue.csv (known: {shown(sorted(known))})",
                f"{did_you_mean(catalogue, known)} Add its rows or correct the name".strip(),
            )
        if bool(catalogue) != bool(key):
            yield plan.problem(
                "catalogue_key_expression" if catalogue else "catalogue_id",
                f"plan '{plan['plan_id']}' has a "
                + ("catalogue and no key to look up" if catalogue else "catalogue key and no catalogue"),
                "Fill both, or leave both empty",
            )


def version_rules(company: Company) -> Iterator[Problem]:
    """What the versions of a plan, and the plans that accumulate together, have in common."""
    for key, columns, together in (
        (
            lambda row: row["plan_id"],
            (
                "currency_code",
                "source_object",
                "credit_event_code",
                "amount_basis_code",
                "settle_days",
                "current_fields",
            ),
            "versions of plan",
        ),
        (
            lambda row: row["progress_id"] or row["plan_id"],
            ("calendar_id", "aggregate_code", "currency_code"),
            "plans that accumulate together as",
        ),
    ):
        first: dict[str, Row] = {}
        for row in sorted(company["plans"], key=lambda row: (row["valid_from"], row.number)):
            before = first.setdefault(key(row), row)
            for column in columns:
                is_same_plan = before["plan_id"] == row["plan_id"]
                if "accumulate" in together and column == "currency_code" and is_same_plan:
                    continue  # reported as a difference of versions
                if row[column] != before[column]:
                    yield before.problem(
                        column,
                        f"{together} '{key(row)}' differ: '{before[column]}' (row {before.number}) and "
                        f"'{row[column]}' (row {row.number})",
                        "Write the same, or another progress_id in one of the rows"
                        if "accumulate" in together
                        else "Write the same, or another plan_id for the new plan",
                        row,
                    )


def tier_rules(company: Company) -> Iterator[Problem]:
    """A tier has a rate or an amount, all of a set the same; numbers and dates of a set agree."""
    for tiers in tier_sets(company):
        for tier in tiers:
            filled = [c for c in ("rate_expression", "tier_amount_expression") if tier[c]]
            if len(filled) != 1:
                yield tier.problem(
                    "rate_expression",
                    f"tier {tier['tier_number']} of plan '{tier['plan_id']}' has "
                    + ("both a rate and an amount" if filled else "neither a rate nor an amount"),
                    "Fill either rate_expression, 0.05 for 5 %, or tier_amount_expression",
                )
        yield from _set_problems(tiers)
        yield from _tier_plan_problems(company, tiers)


def tier_sets(company: Company) -> list[list[Row]]:
    """The tiers by plan and first day, lowest first."""
    sets: dict[tuple[str, str], list[Row]] = {}
    for row in company["tiers"]:
        sets.setdefault((row["plan_id"], row["valid_from"]), []).append(row)
    return [
        sorted(rows, key=lambda row: (row.number_in("tier_from") or 0, row.number)) for rows in sets.values()
    ]


def _set_problems(tiers: list[Row]) -> Iterator[Problem]:
    first, *rest = tiers
    label = f"the tiers of plan '{first['plan_id']}' of {first['valid_from']}"
    if len({bool(tier["tier_amount_expression"]) for tier in tiers}) > 1:
        yield first.problem(
            "", f"{label} are rates and amounts", "Write rates in all of them or amounts in all", *rest
        )
    if len({tier["valid_to"] for tier in tiers}) > 1:
        yield first.problem(
            "valid_to",
            f"{label} do not end on one day: " + ", ".join(tier["valid_to"] or "open" for tier in tiers),
            "Write the same valid_to in all of them",
            *rest,
        )
    numbers = [tier["tier_number"] for tier in tiers]
    if numbers != [str(number) for number in range(1, len(tiers) + 1)]:
        yield first.problem(
            "tier_number",
            f"{label} are numbered {', '.join(numbers)} from the lowest to the highest",
            f"Number them {', '.join(str(number) for number in range(1, len(tiers) + 1))}",
            *rest,
        )


def _tier_plan_problems(company: Company, tiers: list[Row]) -> Iterator[Problem]:
    first, *rest = tiers
    for plan in company.versions(first):
        name = f"plan '{plan['plan_id']}' (version of {plan['valid_from']})"
        if plan["aggregate_code"] in ("average", "weighted_average"):
            yield first.problem(
                "",
                f"{name} counts an average, which no single credit moves by an amount, and has tiers",
                "Delete the tiers and write bonuses (seeds/plans/bonuses.csv), or aggregate_code sum",
                *rest,
            )
        if any(tier["tier_amount_expression"] for tier in tiers):
            if plan["tier_method_code"] not in ("", "marginal"):
                yield first.problem(
                    "tier_amount_expression",
                    f"{name} has tier_method_code {plan['tier_method_code']}, which needs rates, and its tiers are "
                    "amounts",
                    "Write tier_method_code marginal, or rates",
                    *rest,
                )
            if plan["incentive_expression"]:
                yield first.problem(
                    "tier_amount_expression",
                    f"{name} has an incentive, of which tiers are multiples, and its tiers are amounts",
                    "Leave incentive_expression empty, or write multiples in rate_expression",
                    *rest,
                )


def rate_rules(company: Company) -> Iterator[Problem]:
    """A rate table fits its plan's dimensions and tiers, and leaves no tier without a rate."""
    for plan_id in sorted({row["plan_id"] for row in company["rates"]}):
        table = company.of_plan("rates", plan_id)
        yield from _rate_plan_problems(company, table)
        yield from _rate_gaps(company, plan_id, table)


def _rate_plan_problems(company: Company, table: list[Row]) -> Iterator[Problem]:
    told: set[tuple[str, str]] = set()
    for row in table:
        tiers = [tier for tier in company.of_plan("tiers", row["plan_id"]) if tier.meets(row)]
        for plan in company.versions(row):
            for column, message, fix in _rate_faults(row, plan, tiers):
                if (plan["valid_from"], message) not in told:
                    told.add((plan["valid_from"], message))
                    yield row.problem(column, f"plan '{plan['plan_id']}' {message}", fix)


def _rate_faults(row: Row, plan: Row, tiers: list[Row]) -> Iterator[tuple[str, str, str]]:
    if plan["tier_method_code"] == "retroactive":
        yield "", "has a rate table and tier_method_code retroactive", "Write marginal, crossing or standing"
    if plan["incentive_expression"]:
        yield "", "has a rate table and an incentive", "Leave incentive_expression or the rate table empty"
    if any(tier["tier_amount_expression"] for tier in tiers):
        yield "", "has a rate table, and its tiers are amounts", "Write rates in seeds/plans/tiers.csv"
    if not tiers:
        fix = "Add one tier to seeds/plans/tiers.csv: tier_number 1, tier_from 0, rate_expression 1"
        yield "", f"has a rate table from {row['valid_from']} and no tiers, whose rates it multiplies", fix
    elif row["tier_number"] and row["tier_number"] not in {tier["tier_number"] for tier in tiers}:
        known = shown(sorted({tier["tier_number"] for tier in tiers}))
        yield (
            "tier_number",
            f"has no tier {row['tier_number']} (known: {known})",
            "Correct the number or add the tier",
        )
    if not plan["rate_dimension_1_expression"]:
        fix = 'Write the field in rate_dimension_1_expression of seeds/plans/plans.csv, "Type"'
        yield "", "has a rate table and no rate_dimension_1_expression", fix
    for number in (2, 3):
        column = f"dimension_{number}_value"
        if row[column] and not plan[f"rate_dimension_{number}_expression"]:
            fix = (
                f"Write rate_dimension_{number}_expression in seeds/plans/plans.csv, or leave the cell empty"
            )
            yield (
                column,
                f"has no rate_dimension_{number}_expression, so that '{row[column]}' never fits",
                fix,
            )


def _rate_gaps(company: Company, plan_id: str, table: list[Row]) -> Iterator[Problem]:
    """Dimension values that have a rate in one tier and none in another, on a day on which a row starts."""
    told: set[Dimensions] = set()
    for day in sorted({row["valid_from"] for row in [*table, *company.of_plan("tiers", plan_id)]}):
        tiers = [tier["tier_number"] for tier in company.of_plan("tiers", plan_id) if tier.holds_on(day)]
        rates = [row for row in table if row.holds_on(day)]
        tiers_of: dict[Dimensions, set[str]] = {}
        for row in rates:
            tiers_of.setdefault(_dimensions(row), set()).add(row["tier_number"])
        for row in rates:
            values = _dimensions(row)
            one, two, three = values
            wider = itertools.product({one, ""}, {two, ""}, {three, ""})
            covered = set().union(*(tiers_of.get(other, set()) for other in wider))
            missing = [tier for tier in tiers if tier not in covered]
            if missing and "" not in covered and values not in told:
                told.add(values)
                label = ", ".join(f"'{value}'" if value else "any" for value in values)
                yield row.problem(
                    "tier_number",
                    f"plan '{plan_id}' has on {day} no rate in tier {', '.join(missing)} for the dimensions {label}",
                    "Add a row for each of these tiers, or one with an empty tier_number for all",
                )


def _dimensions(row: Row) -> Dimensions:
    return row["dimension_1_value"], row["dimension_2_value"], row["dimension_3_value"]
