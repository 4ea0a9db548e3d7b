"""Commission of open deals: each as if it alone closed, weighted by its probability, and as if all closed.

One build of the real models over a scratch warehouse gives all scenarios (`scenarios`); here they are set beside what holds.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb

from orchestration.lock import RunLock
from orchestration.planning.open_deals import DEALS, horizon, staging_models, win_open_deals
from orchestration.planning.results import Table, write_results
from orchestration.planning.scenarios import ALL, CONTROL, MARK, write_scenarios
from orchestration.planning.scratch import (
    PlanningError,
    Scratch,
    literal,
    make_scratch,
    published_as_of,
    read_rows,
    refuse_edited_seeds,
    seed_file,
)
from orchestration.settings import RunSettings
from orchestration.situations.build import BuildError

# Open deals calculated in one build; each adds a copy of every plan.
SCENARIOS_MAX = 40
RATES = "int_parameters__fx_rates"
CALCULATED = ("int_rewards__commissions", "int_rewards__unpaid", "int_crediting__dispositions")

TABLES = (
    Table(
        "projected_deals",
        "Grain: one row an open deal, payee, plan and currency. What the deal brings if it alone closes, weighted by its "
        "probability, and if all open deals close.",
        {
            "transaction_id": "The open deal, as system/object/record.",
            "expected_close_date": "Day on which it is looked at as won: the expected one, at the earliest the as-of date.",
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
        "Grain: one row a payee, plan and currency. What holds to the horizon, and what the open deals add.",
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
        "Grain: one row an open deal and plan of its source object (one row without a plan where no plan names it). Whether the "
        "plan would credit the deal, and why not.",
        {
            "transaction_id": "The open deal, as system/object/record.",
            "expected_close_date": "Day on which it is looked at as won.",
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
        "Grain: one row a plan, payee, day and reason. What the open deals would be credited for if all close, and still bring "
        "nothing, because a number is missing.",
        {
            "plan_id": "The plan.",
            "payee_id": "The payee.",
            "unpaid_date": "First day of the window, or day of the reward.",
            "reason_code": "Why it brings nothing.",
            "reason_description": "The reason in words.",
            "mend": "What to do about it.",
        },
    ),
)


@dataclass(frozen=True)
class Projection:
    """What was projected, and where it is. ``seconds`` of builds is the cost."""

    path: Path
    as_of: date
    horizon: date
    deal_count: int
    build_count: int


def project(
    settings: RunSettings, seeds: Path, *, as_of: date | None = None, scenarios_max: int = SCENARIOS_MAX
) -> Projection:
    """Project the open deals of the landed tables.

    Raises:
        PlanningError: nothing is published, no deal is open, seeds/planning does not fit, or a model does not follow.
        RunInProgress: a run writes the warehouse.
    """
    home = settings.home / "planning" / "projection"
    with RunLock(settings.home / "planning" / "lock"):
        with RunLock(settings.lock):
            published = published_as_of(settings)
            refuse_edited_seeds(settings, seeds)
            scratch = make_scratch(settings, home / "scratch", seeds)
        day = as_of or published
        try:
            return _projected(scratch, seeds, home, day, scenarios_max)
        except BuildError as error:
            raise PlanningError(f"the scenarios could not be calculated: {error}") from None


def _projected(scratch: Scratch, seeds: Path, home: Path, as_of: date, scenarios_max: int) -> Projection:
    sources = [f"+{model}" for model in staging_models()]
    scratch.dbt(as_of, "run", "--select", *sources, f"+{RATES}")
    count = win_open_deals(scratch, as_of)
    if not count:
        raise PlanningError("no deal is open by open_expression of seeds/planning/open_deals.csv")
    end = horizon(scratch, as_of)
    _, described = read_rows(seed_file(seeds, "open_deals"))
    planned = [row["source_object"] for row in described]
    numbers = _worth_a_scenario(scratch, seeds)
    _carry_rates_on(scratch, as_of)
    batches = [numbers[at : at + scenarios_max] for at in range(0, len(numbers), scenarios_max)] or [[]]
    for position, batch in enumerate(batches):
        scenarios = [CONTROL, ALL] if position == 0 else [CONTROL]
        write_scenarios(scratch.seeds, seeds, [*scenarios, *map(str, batch)], planned)
        scratch.dbt(
            end,
            "build",
            "--select",
            *(f"+{model}" for model in CALCULATED),
            "--exclude",
            *sources,
            f"+{RATES}",
            "resource_type:test",
            "resource_type:unit_test",
        )
        _keep(scratch, is_first=position == 0)
    _compare(scratch)
    path = write_results(
        scratch.warehouse,
        home,
        "projection",
        TABLES,
        {"as_of_date": as_of.isoformat(), "horizon_date": end.isoformat(), "open_deals": str(count)},
    )
    shutil.rmtree(scratch.home)
    return Projection(path, as_of, end, count, len(batches))


def _worth_a_scenario(scratch: Scratch, seeds: Path) -> list[int]:
    """The open deals of objects that a plan names; of the others there is nothing to calculate."""
    _, plans = read_rows(seed_file(seeds, "plans"))
    named = sorted({plan["source_object"] for plan in plans})
    with duckdb.connect(str(scratch.warehouse), read_only=True) as connection:
        found = connection.execute(
            f"select deal_number from {DEALS} where source_object in ({', '.join(map(literal, named))}) order by all"
            if named
            else f"select deal_number from {DEALS} where false"
        ).fetchall()
    return [number for (number,) in found]


def _carry_rates_on(scratch: Scratch, as_of: date) -> None:
    """No rate is known of days to come: on those on which open deals close, the last one known stands for it."""
    with duckdb.connect(str(scratch.warehouse)) as connection:
        connection.execute(
            f"""
            insert into intermediate.{RATES}
            select last_rates.currency_code, days.expected_close_date, last_rates.units_per_base
            from (
              select currency_code, max_by(units_per_base, rate_date) as units_per_base
              from intermediate.{RATES} where rate_date <= cast({literal(as_of)} as date) group by currency_code
            ) as last_rates
            cross join (select distinct expected_close_date from {DEALS}) as days
            where not exists (
              select 1 from intermediate.{RATES} as known
              where known.currency_code = last_rates.currency_code and known.rate_date = days.expected_close_date
            )
            """
        )


def _keep(scratch: Scratch, *, is_first: bool) -> None:
    """Keep what a build says of its scenarios, checked: the next one calculates others.

    Raises PlanningError when a copy of a plan comes to other figures than the plan, or sees a deal that it should not.
    """
    with duckdb.connect(str(scratch.warehouse)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(
            f"""
            create or replace temp table calculated as
            select
              split_part(plan_id, '{MARK}', 1) as plan_id,
              split_part(plan_id, '{MARK}', 2) as scenario,
              payee_id, currency_code, split_part(transaction_id, '@', 1) as transaction_id,
              sum(commission_amount) as commission_amount
            from intermediate.int_rewards__commissions
            group by all
            """
        )
        _check(connection)
        if is_first:
            connection.execute(
                f"""
                create table planning.calculated as from calculated;
                create table planning.dispositions as
                select * replace (split_part(plan_id, '{MARK}', 1) as plan_id)
                from intermediate.int_crediting__dispositions
                where (plan_id is null or split_part(plan_id, '{MARK}', 2) = '{ALL}')
                  and transaction_id in (select transaction_id from {DEALS});
                create table planning.gaps as
                select split_part(plan_id, '{MARK}', 1) as plan_id, payee_id, unpaid_date, reason_code
                from intermediate.int_rewards__unpaid where split_part(plan_id, '{MARK}', 2) = '{ALL}'
                except
                select plan_id, payee_id, unpaid_date, reason_code from intermediate.int_rewards__unpaid
                """
            )
        else:
            connection.execute(
                f"insert into planning.calculated from calculated where scenario not in ('', '{CONTROL}')"
            )


def _check(connection: duckdb.DuckDBPyConnection) -> None:
    differing = connection.execute(
        f"""
        select plan_id from (
          select plan_id, payee_id, currency_code, transaction_id, commission_amount from calculated where scenario = ''
          union all
          select plan_id, payee_id, currency_code, transaction_id, -commission_amount
          from calculated where scenario = '{CONTROL}'
        )
        group by plan_id, payee_id, currency_code, transaction_id having sum(commission_amount) <> 0
        order by all
        """
    ).fetchall()
    if differing:
        raise PlanningError(
            f"a copy of plan '{differing[0][0]}' comes to other commission than the plan itself: a model of "
            "dbt_project/models/custom chooses it by its id. Let it choose plans by a variable (docs/extending.md)"
        )
    strangers = connection.execute(
        f"""
        select calculated.plan_id, calculated.transaction_id
        from calculated
        inner join {DEALS} as open_deals on calculated.transaction_id = open_deals.transaction_id
        where calculated.scenario <> '{ALL}' and calculated.scenario <> cast(open_deals.deal_number as varchar)
        order by all
        """
    ).fetchall()
    if strangers:
        raise PlanningError(
            f"plan '{strangers[0][0]}' credits {strangers[0][1]} in a scenario in which that deal is open: a row of "
            "custom_filtering takes it. Let it look at won deals only"
        )


def _compare(scratch: Scratch) -> None:
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
            inner join intermediate.int_pool__deals as pool on open_deals.transaction_id = pool.transaction_id
            left join planning.dispositions as dispositions on open_deals.transaction_id = dispositions.transaction_id
            left join seeds.reason_codes as reason_codes on dispositions.reason_code = reason_codes.reason_code
            order by open_deals.transaction_id, dispositions.plan_id;

            create table results.projected_gaps as
            select gaps.*, reason_codes.description as reason_description, reason_codes.mend
            from planning.gaps as gaps
            left join seeds.reason_codes as reason_codes on gaps.reason_code = reason_codes.reason_code
            order by all;
            """
        )


def told(projection: Projection) -> list[str]:
    """The projection line by line: totals by payee and plan, then why deals bring nothing."""
    with duckdb.connect(str(projection.path), read_only=True) as results:
        totals = results.execute(
            """
            select payee_name, payee_id, plan_id, currency_code, established_amount, alone_amount, weighted_amount, all_amount
            from projected_totals where alone_amount <> 0 or all_amount <> 0 or weighted_amount <> 0
            order by plan_id, payee_id, currency_code
            """
        ).fetchall()
        sums = results.execute(
            """
            select currency_code, sum(alone_amount), sum(weighted_amount), sum(all_amount)
            from projected_totals group by all order by all
            """
        ).fetchall()
        gaps = results.execute("from projected_gaps").fetchall()
        nothing = results.execute(
            """
            select coalesce(plan_id, 'no plan'), coalesce(reason_description, 'not said'), count(*)
            from open_deals where disposition_code <> 'credited' group by all order by all
            """
        ).fetchall()
    lines = [
        f"{projection.deal_count:,} open deals as of {projection.as_of}, looked at as won until {projection.horizon}",
        "",
        *_table(
            ("payee", "plan", "currency", "established", "each alone", "weighted", "all close"),
            [
                (f"{name or payee} ({payee})", plan, currency, *map(_money, amounts))
                for name, payee, plan, currency, *amounts in totals
            ],
        ),
        *(
            f"all payees, {currency}: each alone {_money(alone)}, weighted {_money(weighted)}, all close {_money(every)}"
            for currency, alone, weighted, every in sums
        ),
    ]
    if nothing:
        lines += ["", "Open deals that bring nothing, by plan and reason:"]
        lines += [f"  {plan}: {reason}: {count:,}" for plan, reason, count in nothing]
    if gaps:
        lines += ["", "Credited and still nothing, if all close:"]
        lines += [
            f"  {plan}, payee {payee}, {day}: {reason}. {mend}" for plan, payee, day, _, reason, mend in gaps
        ]
    return lines


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[at]) for row in (header, *rows)) for at in range(len(header))]
    texts = 3  # the columns that are no amounts
    return [
        "  ".join(
            cell.ljust(width) if at < texts else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (header, *rows)
    ]


def _money(amount: Decimal) -> str:
    return f"{amount:,.2f}"
