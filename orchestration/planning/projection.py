"""Commission of open deals: each as if it alone closed, weighted by its probability, and as if all closed.

One build of the real models over a scratch warehouse gives all scenarios (`scenarios`); here they are set beside what holds.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from orchestration.planning.open_deals import DEALS, horizon, staging_models, win_open_deals
from orchestration.planning.projected import TABLES, compare
from orchestration.planning.results import money, table_lines, write_results
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
from orchestration.plans.situations.build import BuildError
from orchestration.warehouse.lock import RunLock
from orchestration.warehouse.settings import RunSettings

# Open deals calculated in one build; each adds a copy of every plan.
SCENARIOS_MAX = 40
RATES = "int_parameters__fx_rates"
# What staging reads where the CRM's own history is read: which fields the plans read.
SEEDS_OF_STAGING = ("plans", "credit_rules")
CALCULATED = ("int_rewards__commissions", "int_rewards__unpaid", "int_crediting__dispositions")


@dataclass(frozen=True)
class Projection:
    """What was projected in how many builds, and where it is."""

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
    # The seeds are left to the builds of the scenarios, which bring their own.
    sources = [f"+{model},resource_type:model" for model in staging_models()]
    tests = ("resource_type:test", "resource_type:unit_test")
    scratch.dbt(as_of, "build", "--select", *sources, f"+{RATES}", *SEEDS_OF_STAGING, "--exclude", *tests)
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
            *tests,
        )
        _keep(scratch, is_first=position == 0)
    compare(scratch)
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
    """Rates of future days are unknown: on days on which open deals close, the last known rate is used."""
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

    Raises PlanningError when a copy of a plan gives other figures than the plan, or sees a deal that it should not.
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
            f"a copy of plan '{differing[0][0]}' gives other commission than the plan itself: a model of "
            "dbt_project/models/own chooses it by its id. Let it choose plans by a variable (docs/extending.md)"
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
        f"{projection.deal_count:,} open deals as of {projection.as_of}, treated as won until {projection.horizon}",
        "",
        *table_lines(
            ("payee", "plan", "currency", "established", "each alone", "weighted", "all close"),
            [
                (f"{name or payee} ({payee})", plan, currency, *map(money, amounts))
                for name, payee, plan, currency, *amounts in totals
            ],
        ),
        *(
            f"all payees, {currency}: each alone {money(alone)}, weighted {money(weighted)}, all close {money(every)}"
            for currency, alone, weighted, every in sums
        ),
    ]
    if nothing:
        lines += ["", "Open deals that bring nothing, by plan and reason:"]
        lines += [f"  {plan}: {reason}: {count:,}" for plan, reason, count in nothing]
    if gaps:
        lines += ["", "Credited and still nothing, if all close:"]
        lines += [
            f"  {plan}, payee {payee}, {day}: {reason}. {fix}" for plan, payee, day, _, reason, fix in gaps
        ]
    return lines
