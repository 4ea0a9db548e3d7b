"""A changed plan on past periods, beside what holds: the same models over the same landed tables, with some seeds changed.

Compared is what deals and windows make due by the month of each event, and what they establish by the month of the reward. Draws,
adjustments and what closed months have posted are left out: they follow from what was paid, not from the plan.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from orchestration.planning.results import Table, money, table_lines, write_results
from orchestration.planning.scratch import (
    PlanningError,
    Scratch,
    literal,
    make_scratch,
    published_as_of,
    refuse_edited_seeds,
)
from orchestration.plans.checks import PreflightError, check_seeds
from orchestration.plans.situations.build import BuildError
from orchestration.warehouse.lock import RunLock
from orchestration.warehouse.settings import PROJECT_ROOT, RunSettings

PERIOD = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
CALCULATED = ("fct_commission_lines", "int_crediting__dispositions", "int_rewards__unpaid")
# What a run checks over all data before it publishes; a plan that fails them here would fail there.
CHECKS = ("assert_no_number_is_missing", "assert_no_deal_variable_is_missing")

_KEYS = {
    "payee_id": "The payee.",
    "payee_name": "Name of the payee.",
    "plan_id": "The plan.",
    "period_code": "Calendar month, YYYY-MM: of the event for what is due, of the reward for what is established.",
    "currency_code": "ISO 4217 code of the amounts of this row.",
}
_AMOUNTS = {
    "real_established_amount": "Commission established under the plans as they are.",
    "simulated_established_amount": "Commission established under the changed plans.",
    "established_difference_amount": "simulated - real.",
    "real_due_amount": "Commission that became due under the plans as they are, before draws and adjustments.",
    "simulated_due_amount": "Commission that became due under the changed plans.",
    "due_difference_amount": "simulated - real.",
}
TABLES = (
    Table(
        "simulated_periods",
        "Grain: one row per payee, plan, month and currency. What holds beside what the changed plans would have given.",
        _KEYS | _AMOUNTS,
    ),
    Table(
        "simulated_costs",
        "Grain: one row per plan and currency. What the changed plans would have cost beside what holds.",
        {name: _KEYS[name] for name in ("plan_id", "currency_code")} | _AMOUNTS,
    ),
)


@dataclass(frozen=True)
class Simulation:
    """What was simulated, with which seeds changed, and where it is."""

    path: Path
    as_of: date
    changed: tuple[str, ...]
    period_from: str | None
    period_to: str | None


def simulate(
    settings: RunSettings,
    seeds: Path,
    folder: Path,
    *,
    extracts: Path | None = None,
    period_from: str | None = None,
    period_to: str | None = None,
) -> Simulation:
    """Calculate the landed tables with the seeds of ``folder`` in the place of those of ``seeds``.

    Raises:
        PlanningError: nothing is published, a file is not a seed, or the models cannot calculate it.
        PreflightError: a changed seed has mistakes; each by file, row and column.
        RunInProgress: a run writes the warehouse.
    """
    for period in (period_from, period_to):
        if period is not None and not PERIOD.fullmatch(period):
            raise PlanningError(f"'{period}' is not a month; write it as 2013-05")
    if period_from and period_to and period_from > period_to:
        raise PlanningError(f"the first month {period_from} is after the last one {period_to}")
    changed = changed_files(folder, seeds)
    home = settings.home / "planning" / "simulations" / _plain(folder)
    with RunLock(settings.home / "planning" / "lock"):
        with RunLock(settings.lock):
            as_of = published_as_of(settings)
            refuse_edited_seeds(settings, seeds)
            scratch = make_scratch(settings, home / "scratch", seeds)
        for name, file in changed.items():
            shutil.copyfile(file, next(scratch.seeds.rglob(f"{name}.csv")))
        if problems := check_seeds(PROJECT_ROOT, extracts, scratch.seeds):
            shutil.rmtree(scratch.home)
            raise PreflightError(problems)
        try:
            scratch.dbt(
                as_of,
                "build",
                "--select",
                *(f"+{model}" for model in CALCULATED),
                *CHECKS,
                "--exclude",
                "test_type:generic",
                "resource_type:unit_test",
                "--indirect-selection",
                "cautious",
            )
        except BuildError as error:
            raise PlanningError(f"the changed plans cannot be calculated: {error}") from None
        _compare(scratch, settings, period_from, period_to)
        path = write_results(
            scratch.warehouse,
            home,
            "simulation",
            TABLES,
            {
                "as_of_date": as_of.isoformat(),
                "changed_seeds": ", ".join(changed),
                "period_from": period_from or "",
                "period_to": period_to or "",
            },
        )
        shutil.rmtree(scratch.home)
    return Simulation(path, as_of, tuple(changed), period_from, period_to)


def changed_files(folder: Path, seeds: Path) -> dict[str, Path]:
    """The seeds of ``folder`` that differ from those of ``seeds``, by name.

    Raises PlanningError when a file is not a seed, a name occurs twice, or nothing differs.
    """
    known = {path.stem: path for path in seeds.rglob("*.csv")}
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*.csv")):
        if path.stem not in known:
            raise PlanningError(f"{path} is not a seed; the seeds are {', '.join(sorted(known))}")
        if path.stem in found:
            raise PlanningError(f"{path} and {found[path.stem]} are the same seed; keep one")
        found[path.stem] = path
    if not found:
        raise PlanningError(
            f"{folder} holds no *.csv; put the changed seeds there, plans/tiers.csv for example"
        )
    changed = {name: path for name, path in found.items() if path.read_bytes() != known[name].read_bytes()}
    if not changed:
        raise PlanningError(f"every seed of {folder} is as it is in {seeds}; change one")
    return changed


def _plain(folder: Path) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", folder.resolve().name).strip(".") or "simulation"


def _compare(scratch: Scratch, settings: RunSettings, period_from: str | None, period_to: str | None) -> None:
    within = "true"
    if period_from:
        within += f" and period_code >= {literal(period_from)}"
    if period_to:
        within += f" and period_code <= {literal(period_to)}"

    def sums(schema: str, due: str, side: str) -> str:
        return f"""
            select payee_id, plan_id, period_code, currency_code,
              sum(established_amount) as {side}_established_amount, sum(due_amount) as {side}_due_amount
            from (
              select payee_id, plan_id, strftime(reward_date, '%Y-%m') as period_code, currency_code,
                commission_amount as established_amount, 0 as due_amount
              from {schema}
              union all
              select payee_id, plan_id, period_code, currency_code, 0, line_amount from {due}
            )
            where {within}
            group by all
        """

    amounts = """
      cast(coalesce(sum(real_established_amount), 0) as decimal(18, 4)) as real_established_amount,
      cast(coalesce(sum(simulated_established_amount), 0) as decimal(18, 4)) as simulated_established_amount,
      cast(coalesce(sum(simulated_established_amount), 0) - coalesce(sum(real_established_amount), 0) as decimal(18, 4))
        as established_difference_amount,
      cast(coalesce(sum(real_due_amount), 0) as decimal(18, 4)) as real_due_amount,
      cast(coalesce(sum(simulated_due_amount), 0) as decimal(18, 4)) as simulated_due_amount,
      cast(coalesce(sum(simulated_due_amount), 0) - coalesce(sum(real_due_amount), 0) as decimal(18, 4))
        as due_difference_amount
    """
    with RunLock(settings.lock), duckdb.connect(str(scratch.warehouse)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"attach {literal(settings.warehouse)} as real (read_only)")
        connection.execute("create schema results")
        # The real commissions are a view over tables of its own file: its rows are taken over by its own connection.
        _copy_real(connection)
        connection.execute(
            f"""
            create table results.joined as
            select payee_id, plan_id, period_code, currency_code, real_established_amount, real_due_amount,
              simulated_established_amount, simulated_due_amount
            from ({sums("results.real_commissions", "results.real_lines", "real")})
            full join ({sums("intermediate.int_rewards__commissions", "marts.fct_commission_lines", "simulated")})
              using (payee_id, plan_id, period_code, currency_code);

            create table results.simulated_periods as
            select joined.payee_id, payees.full_name as payee_name, plan_id, period_code, currency_code, {amounts}
            from results.joined
            left join intermediate.int_parameters__payees as payees on joined.payee_id = payees.payee_id
            group by all
            order by plan_id, joined.payee_id, period_code, currency_code;

            create table results.simulated_costs as
            select plan_id, currency_code, {amounts} from results.joined group by all order by all;
            """
        )


def _copy_real(connection: duckdb.DuckDBPyConnection) -> None:
    [database] = connection.execute("select current_database()").fetchone() or ("",)
    connection.execute("use real")
    connection.execute(
        f'create table "{database}".results.real_commissions as from real.intermediate.int_rewards__commissions'
    )
    connection.execute(
        f'create table "{database}".results.real_lines as from real.marts.fct_commission_lines'
    )
    connection.execute(f'use "{database}"')


def told(simulation: Simulation) -> list[str]:
    """The simulation line by line: payees and plans whose commission differs, then the cost by plan and currency."""
    with duckdb.connect(str(simulation.path), read_only=True) as results:
        payees = results.execute(
            """
            select payee_name, payee_id, plan_id, currency_code, sum(real_established_amount),
              sum(simulated_established_amount), sum(established_difference_amount), sum(due_difference_amount)
            from simulated_periods group by all
            having sum(abs(established_difference_amount)) + sum(abs(due_difference_amount)) <> 0
            order by plan_id, payee_id, currency_code
            """
        ).fetchall()
        costs = results.execute(
            """
            select currency_code, sum(real_established_amount), sum(simulated_established_amount),
              sum(established_difference_amount), sum(real_due_amount), sum(simulated_due_amount), sum(due_difference_amount)
            from simulated_costs group by all order by all
            """
        ).fetchall()
    months = "all months"
    if simulation.period_from or simulation.period_to:
        months = (
            f"{simulation.period_from or 'the first month'} to {simulation.period_to or 'the last month'}"
        )
    lines = [f"Changed: {', '.join(simulation.changed)}; {months}, as of {simulation.as_of}", ""]
    if not payees:
        return [*lines, "Nothing changes for any payee."]
    rows: list[Sequence[str]] = [
        (f"{name or payee} ({payee})", plan, currency, *map(money, amounts))
        for name, payee, plan, currency, *amounts in payees
    ]
    header = ("payee", "plan", "currency", "established", "simulated", "difference", "due differs by")
    lines += table_lines(header, rows)
    for currency, *amounts in costs:
        real, simulated, difference, due, simulated_due, due_difference = map(money, amounts)
        lines.append(f"cost in {currency}: established {real} -> {simulated} ({difference}), ")
        lines[-1] += f"due {due} -> {simulated_due} ({due_difference})"
    return lines
