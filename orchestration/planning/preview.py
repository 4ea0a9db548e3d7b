"""Which payouts an edit changes, before anything is published: the real models in a copy of the warehouse.

The copy keeps what it was built from, as the warehouse does, so only what the edit touches is built, and dbt stays parsed
between two edits. The real warehouse and the published marts are only read.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import duckdb

from orchestration.calculation.dbt_process import current
from orchestration.calculation.manifest import MANIFEST, ensure_manifest, project_files, read_manifest
from orchestration.calculation.step import Calculation, CalculationError
from orchestration.planning.results import money, table_lines
from orchestration.planning.scratch import PlanningError, published_as_of
from orchestration.plans.checks import PreflightError, Problem, check_seeds
from orchestration.plans.checks import render as render_problems
from orchestration.plans.checks.files import read_seed
from orchestration.warehouse.lock import RunLock
from orchestration.warehouse.marts_file import attach
from orchestration.warehouse.settings import PROJECT_ROOT, RunSettings

PAYOUTS = "model.commissions.fct_payouts"
COPIED = "copied_from"
POLL_SECONDS = 0.25
SHOWN_MAX = 30
# As DuckDB says that an expression names a field that is not there.
ABSENT_FIELD = re.compile(r'(?:Referenced column|does not have a column named) "([^"]+)"')


@dataclass(frozen=True)
class PreviewedPayout:
    """What a payee gets of a plan over all months, before and after; amounts in ``currency_code``."""

    payee: str
    plan_id: str
    currency_code: str
    month_count: int
    before: Decimal
    after: Decimal


@dataclass(frozen=True)
class Preview:
    """The payouts that an edit changes, and what it took to find out."""

    payouts: tuple[PreviewedPayout, ...]
    built: int
    seconds: float


def preview(settings: RunSettings, seeds: Path, *, extracts: Path | None = None) -> Preview:
    """Calculate the payouts with the seeds and models as they are now, and compare them with the published ones.

    Raises:
        PlanningError: nothing is published, or the models cannot calculate it.
        PreflightError: a seed has mistakes; each by file, row and column.
        DbtError: the project does not parse.
        RunInProgress: a run writes the warehouse.
    """
    started = time.monotonic()
    dbt = current()
    dbt.start()
    with RunLock(settings.home / "planning" / "lock"):
        with RunLock(settings.lock):
            as_of = published_as_of(settings)
            scratch = _copy(settings, as_of.isoformat())
        if problems := check_seeds(PROJECT_ROOT, extracts, seeds):
            raise PreflightError(problems)
        ensure_manifest()
        calculation = Calculation(scratch, read_manifest(MANIFEST), dbt, seeds)
        try:
            built = calculation.build_for(PAYOUTS)
        except CalculationError as error:
            told = _told_failure(calculation, error)
            raise PlanningError(told_unlanded(told, seeds) or f"it cannot be calculated:\n{told}") from None
        payouts = tuple(_changed(scratch, settings))
    return Preview(payouts, built, time.monotonic() - started)


def _copy(settings: RunSettings, as_of: str) -> RunSettings:
    """The home of the preview, with a copy of the warehouse as it is now; one that is still good is kept."""
    scratch = replace(settings, home=settings.home / "planning" / "preview", as_of_date=as_of)
    known = settings.warehouse.stat()
    mark, state = scratch.home / COPIED, f"{known.st_size} {known.st_mtime_ns}"
    if not (mark.exists() and mark.read_text(encoding="utf-8") == state and scratch.warehouse.exists()):
        shutil.rmtree(scratch.home, ignore_errors=True)
        scratch.home.mkdir(parents=True)
        with duckdb.connect(str(settings.warehouse)) as connection:
            connection.execute("checkpoint")
        known = settings.warehouse.stat()
        shutil.copyfile(settings.warehouse, scratch.warehouse)
        mark.write_text(f"{known.st_size} {known.st_mtime_ns}", encoding="utf-8")
    return scratch


def _told_failure(calculation: Calculation, error: CalculationError) -> str:
    from orchestration.warehouse.dbt_failures import read_failures, render

    return render(read_failures(calculation.target, calculation.manifest)) or str(error)


def told_unlanded(told: str, seeds: Path) -> str:
    """The cells of the seeds that name a field which the warehouse has not; empty where that is not what failed.

    Args:
        told: what dbt says of the models that it could not build.
        seeds: folder of the CSV files.
    """
    problems = [
        Problem(
            seed.file,
            (row,),
            column,
            f"the field {name} has not landed, so the preview cannot calculate with it",
            "Where the extract has it, `commissions run` lands it; else correct the name",
        )
        for name in dict.fromkeys(ABSENT_FIELD.findall(told))
        for seed in (read_seed(path, seeds.parent) for path in sorted(seeds.rglob("*.csv")))
        for row, cells in seed.rows
        for column, text in cells.items()
        if column.endswith("_expression") and f'"{name}"' in text
    ]
    return render_problems(problems)


def _changed(scratch: RunSettings, settings: RunSettings) -> Iterator[PreviewedPayout]:
    with duckdb.connect(":memory:") as connection:
        connection.execute("attach ? as scratch (read_only)", [str(scratch.warehouse)])
        attach(connection, settings.published, "published", settings.published_key())
        rows = connection.execute(
            """
            select
              coalesce(payees.full_name || ' (' || payee_id || ')', payee_id), plan_id, currency_code, count(*),
              cast(sum(coalesce(old.payout_amount, 0)) as decimal(18, 4)),
              cast(sum(coalesce(new.payout_amount, 0)) as decimal(18, 4))
            from published.fct_payouts as old
            full join scratch.marts.fct_payouts as new using (payout_key, payee_id, plan_id, period_code, currency_code)
            left join published.dim_payees as payees using (payee_id)
            where old.payout_amount is distinct from new.payout_amount
            group by all
            order by plan_id, abs(sum(coalesce(new.payout_amount, 0)) - sum(coalesce(old.payout_amount, 0))) desc, 1, 3
            """
        ).fetchall()
    yield from (PreviewedPayout(*row) for row in rows)


def told(found: Preview) -> list[str]:
    """The preview line by line: payees and plans whose payouts differ, then the sums by plan."""
    took = f"{found.seconds:.1f} s, {found.built} tables built"
    if not found.payouts:
        return [f"No payout changes ({took})."]
    rows: list[Sequence[str]] = [
        (
            one.payee,
            one.plan_id,
            str(one.month_count),
            money(one.before),
            money(one.after),
            money(one.after - one.before),
            one.currency_code,
        )
        for one in found.payouts[:SHOWN_MAX]
    ]
    lines = table_lines(("payee", "plan", "months", "before", "after", "difference", ""), rows)
    if len(found.payouts) > SHOWN_MAX:
        lines.append(f"and {len(found.payouts) - SHOWN_MAX} more payees and plans")
    sums: dict[tuple[str, str], list[Decimal]] = {}
    for one in found.payouts:
        known = sums.setdefault((one.plan_id, one.currency_code), [Decimal(0), Decimal(0)])
        known[0] += one.before
        known[1] += one.after
    lines.append("")
    for (plan, currency), (before, after) in sorted(sums.items()):
        lines.append(
            f"{plan}: {money(before)} becomes {money(after)} {currency} ({money(after - before)}) in the rows above"
        )
    return [*lines, "", f"Nothing is published ({took}). To publish it: commissions run"]


def watched(seeds: Path) -> dict[str, tuple[int, int]]:
    """Size and time of every file that an edit may touch."""
    files = [*seeds.rglob("*"), *project_files()]
    return {
        str(path): (known.st_size, known.st_mtime_ns)
        for path in files
        if path.is_file() and (known := path.stat())
    }


def watch(seeds: Path, again: Callable[[], None]) -> None:
    """Call ``again`` now and after every edit, until the process is interrupted."""
    seen: dict[str, tuple[int, int]] | None = None
    while True:
        now = watched(seeds)
        if now != seen:
            seen = now
            again()
        time.sleep(POLL_SECONDS)
