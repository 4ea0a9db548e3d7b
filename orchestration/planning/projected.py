"""The tables of a projection: what they hold, and the differences of scenarios that fill them."""

from __future__ import annotations

import duckdb

from orchestration.planning.open_deals import DEALS
from orchestration.planning.results import Table
from orchestration.planning.scenarios import ALL, CONTROL
from orchestration.planning.scratch import Scratch

TABLES = (
    Table(
        "projected_deals",
        "Grain: one row per open deal, payee, plan and currency. What the deal brings if it alone closes, weighted by its "
        "probability, and if all open deals close.",
        {
            "transaction_id": "The open deal, as system/object/record.",
            "expected_close_date": "Day on which it is treated as won: the expected one, at the earliest the as-of date.",
            "probability_ratio": "Share of such deals that are won, 0.5 for a half.",
            "payee_id": "The payee.",
            "payee_name": "Name of the payee.",
            "plan_id": "The plan.",
            "currency_code": "ISO 4217 code of the amounts of this row.",
            "alone_amount": "What the payee's commission of the plan gains if this deal alone closes, its effect on other deals, "
            "bonuses and caps included.",
            "weighted_amount": "probability_ratio x alone_amount: an expectation, so not rounded.",
            "all_amount": "The commission of this deal itself if all open deals close.",
        },
    ),
    Table(
        "projected_totals",
        "Grain: one row per payee, plan and currency. What holds to the horizon, and what the open deals add.",
        {
            "payee_id": "The payee.",
            "payee_name": "Name of the payee.",
            "plan_id": "The plan.",
            "currency_code": "ISO 4217 code of the amounts of this row.",
            "established_amount": "Commission that the won deals establish, to the horizon.",
            "alone_amount": "Sum of the deals' alone_amount: no deal knows of another.",
            "weighted_amount": "Sum of the deals' weighted_amount.",
            "all_deals_amount": "Sum of the deals' all_amount.",
            "all_other_amount": "What closing all moves besides: other deals of the window, bonuses, floors.",
            "all_amount": "What the payee gains if all open deals close: all_deals_amount + all_other_amount.",
        },
    ),
    Table(
        "open_deals",
        "Grain: one row per open deal and plan of its source object (one row without a plan where no plan names it). Whether the "
        "plan would credit the deal, and why not.",
        {
            "transaction_id": "The open deal, as system/object/record.",
            "expected_close_date": "Day on which it is treated as won.",
            "is_overdue": "True where its own expected day lies before the as-of date, or is empty.",
            "probability_ratio": "Share of such deals that are won, 0.5 for a half.",
            "plan_id": "The plan; null where no plan names the source object.",
            "currency_code": "ISO 4217 code of the deal's amount.",
            "transaction_amount": "Amount of the deal.",
            "disposition_code": "credited, or skipped.",
            "reason_code": "Why the plan would not credit it; null where it would.",
            "reason_description": "The reason in words.",
        },
    ),
    Table(
        "projected_gaps",
        "Grain: one row per plan, payee, day and reason. What the open deals would be credited for if all close, and still bring "
        "nothing, because a number is missing.",
        {
            "plan_id": "The plan.",
            "payee_id": "The payee.",
            "unpaid_date": "First day of the window, or day of the reward.",
            "reason_code": "Why it brings nothing.",
            "reason_description": "The reason in words.",
            "fix": "What to do about it.",
        },
    ),
)


def compare(scratch: Scratch) -> None:
    """Make the tables of the result: differences of scenarios to what holds."""
    with duckdb.connect(str(scratch.warehouse)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(
            f"""
            create schema results;

            create table planning.sums as
            select scenario, plan_id, payee_id, currency_code, sum(commission_amount) as commission_amount
            from planning.calculated group by all;

            create table planning.gains as
            select
              cast(scenarios.scenario as bigint) as deal_number, scenarios.plan_id, scenarios.payee_id,
              scenarios.currency_code, sum(scenarios.commission_amount) as gained_amount
            from (
              select scenario, plan_id, payee_id, currency_code, commission_amount
              from planning.sums where scenario not in ('', '{CONTROL}', '{ALL}')
              union all
              select cast(open_deals.deal_number as varchar), held.plan_id, held.payee_id, held.currency_code,
                -held.commission_amount
              from planning.sums as held cross join {DEALS} as open_deals
              where held.scenario = ''
                and cast(open_deals.deal_number as varchar) in (select scenario from planning.sums)
            ) as scenarios
            group by all;

            create table results.projected_deals as
            with own as (
              select open_deals.deal_number, calculated.plan_id, calculated.payee_id, calculated.currency_code,
                sum(calculated.commission_amount) as all_amount
              from planning.calculated
              inner join {DEALS} as open_deals on calculated.transaction_id = open_deals.transaction_id
              where calculated.scenario = '{ALL}'
              group by all
            ),
            keys as (
              select deal_number, plan_id, payee_id, currency_code from own
              union
              select deal_number, plan_id, payee_id, currency_code from planning.gains where gained_amount <> 0
            )
            select
              open_deals.transaction_id,
              open_deals.expected_close_date,
              open_deals.probability_ratio,
              keys.payee_id,
              payees.full_name as payee_name,
              keys.plan_id,
              keys.currency_code,
              cast(coalesce(gains.gained_amount, 0) as decimal(18, 4)) as alone_amount,
              cast(
                cast(coalesce(gains.gained_amount, 0) as decimal(18, 4)) * cast(open_deals.probability_ratio as decimal(20, 10))
                as decimal(28, 10)
              ) as weighted_amount,
              cast(coalesce(own.all_amount, 0) as decimal(18, 4)) as all_amount
            from keys
            inner join {DEALS} as open_deals on keys.deal_number = open_deals.deal_number
            left join planning.gains as gains
              on keys.deal_number = gains.deal_number and keys.plan_id = gains.plan_id
              and keys.payee_id = gains.payee_id and keys.currency_code = gains.currency_code
            left join own
              on keys.deal_number = own.deal_number and keys.plan_id = own.plan_id
              and keys.payee_id = own.payee_id and keys.currency_code = own.currency_code
            left join intermediate.int_parameters__payees as payees on keys.payee_id = payees.payee_id
            order by open_deals.transaction_id, keys.plan_id, keys.payee_id, keys.currency_code;

            create table results.projected_totals as
            with held as (
              select plan_id, payee_id, currency_code,
                sum(case when scenario = '' then commission_amount else 0 end) as established_amount,
                sum(case scenario when '{ALL}' then commission_amount when '' then -commission_amount else 0 end) as all_amount
              from planning.sums group by all
            ),
            deals as (
              select plan_id, payee_id, currency_code, sum(alone_amount) as alone_amount,
                sum(weighted_amount) as weighted_amount, sum(all_amount) as all_deals_amount
              from results.projected_deals group by all
            )
            select
              held.payee_id,
              payees.full_name as payee_name,
              held.plan_id,
              held.currency_code,
              cast(held.established_amount as decimal(18, 4)) as established_amount,
              cast(coalesce(deals.alone_amount, 0) as decimal(18, 4)) as alone_amount,
              cast(coalesce(deals.weighted_amount, 0) as decimal(28, 10)) as weighted_amount,
              cast(coalesce(deals.all_deals_amount, 0) as decimal(18, 4)) as all_deals_amount,
              cast(held.all_amount - coalesce(deals.all_deals_amount, 0) as decimal(18, 4)) as all_other_amount,
              cast(held.all_amount as decimal(18, 4)) as all_amount
            from held
            left join deals
              on held.plan_id = deals.plan_id and held.payee_id = deals.payee_id
              and held.currency_code = deals.currency_code
            left join intermediate.int_parameters__payees as payees on held.payee_id = payees.payee_id
            order by held.plan_id, held.payee_id, held.currency_code;

            create table results.open_deals as
            select
              open_deals.transaction_id,
              open_deals.expected_close_date,
              open_deals.is_overdue,
              open_deals.probability_ratio,
              dispositions.plan_id,
              pool.currency_code,
              cast(pool.transaction_amount as decimal(28, 10)) as transaction_amount,
              dispositions.disposition_code,
              dispositions.reason_code,
              reason_codes.description as reason_description
            from {DEALS} as open_deals
            inner join intermediate.int_pool__deal_versions as pool
              on open_deals.transaction_id = pool.transaction_id and pool.version_code = 'current'
            left join planning.dispositions as dispositions on open_deals.transaction_id = dispositions.transaction_id
            left join seeds.reason_codes as reason_codes on dispositions.reason_code = reason_codes.reason_code
            order by open_deals.transaction_id, dispositions.plan_id;

            create table results.projected_gaps as
            select gaps.*, reason_codes.description as reason_description, reason_codes.fix
            from planning.gaps as gaps
            left join seeds.reason_codes as reason_codes on gaps.reason_code = reason_codes.reason_code
            order by all;
            """
        )
