"""The warehouse file, and whether readers see what it says."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import duckdb

from orchestration.operating.doctor.finding import Finding, Patient, check, error, ok, warning
from orchestration.warehouse.lock import holder_of
from orchestration.warehouse.settings import RunSettings, shown

RUN = "commissions run"
LOCK_HOURS_MAX = 6


@check("warehouse", "run")
def run_state(patient: Patient) -> Iterator[Finding]:
    """Whether a run is in progress, or ended before it published."""
    settings = patient.settings
    holder = holder_of(settings.lock)
    if holder:
        hours = (time.time() - settings.lock.stat().st_mtime) / 3600
        if hours > LOCK_HOURS_MAX:
            yield warning(
                f"{holder} has been at it for {hours:.0f} h",
                settings.lock,
                fix="look at it (ps), end it when it hangs",
            )
        else:
            yield ok(f"in progress ({holder})")
        return
    if (reason := settings.unfinished_reason) is not None:
        yield warning(
            reason
            or "the last run wrote to the warehouse and did not publish: it failed or was killed; readers see the run before",
            settings.unfinished,
            fix=f"{RUN} (the last log: ls -t {shown(settings.logs)} | head -1)",
        )
    else:
        yield ok("none is in progress, the last one ended well")


@check("warehouse", "file")
def file(patient: Patient) -> Iterator[Finding]:
    """It opens, in a format of this DuckDB."""
    settings = patient.settings
    if not settings.warehouse.exists():
        if (settings.landings / "manifest.json").exists():
            yield warning("is gone; the landings give it back", settings.warehouse, fix=RUN)
        else:
            yield ok("none yet: nothing was run", settings.warehouse)
        return
    if holder_of(settings.lock):
        yield ok("not opened while a run writes it", settings.warehouse)
        return
    try:
        with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
            found = connection.execute(
                "select tags['storage_version'] from duckdb_databases() where not internal"
            ).fetchone()
    except (duckdb.Error, OSError) as problem:
        yield error(first_line(problem), settings.warehouse, fix=fix_of(settings, problem))
        return
    yield ok(
        f"opens; storage {found[0] if found else 'unknown'}, DuckDB {duckdb.__version__}", settings.warehouse
    )


@check("warehouse", "published marts")
def agrees(patient: Patient) -> Iterator[Finding]:
    """The payouts of the warehouse are those that readers see."""
    settings = patient.settings
    if not (settings.warehouse.exists() and settings.published.exists()) or holder_of(settings.lock):
        return
    try:
        different = differing_payouts(settings.warehouse, settings.published)
    except duckdb.CatalogException:
        yield warning("has no payouts: the last run did not get so far", settings.warehouse, fix=RUN)
        return
    except (duckdb.Error, OSError):
        return  # the checks of the two files say it
    if not different:
        yield ok("payouts are the same in both")
    elif settings.unfinished.exists():
        yield warning(f"{different} payout rows are newer than what readers see", settings.warehouse, fix=RUN)
    else:
        yield error(
            f"{different} payout rows differ, though the last run ended well: one of the two files was replaced",
            settings.warehouse,
            fix=RUN,
        )


def differing_payouts(warehouse: Path, published: Path) -> int:
    """Payout rows that are in one of the two files only, or with another amount."""
    rows = "select payout_key, payout_amount, currency_code from"
    with duckdb.connect(":memory:") as connection:
        for name, path in (("warehouse", warehouse), ("published", published)):
            literal = str(path).replace("'", "''")
            connection.execute(f"attach '{literal}' as {name} (read_only)")
        found = connection.execute(
            f"""
            with mine as ({rows} warehouse.marts.fct_payouts), theirs as ({rows} published.fct_payouts)
            select count(distinct payout_key) from (
              (from mine except from theirs) union all (from theirs except from mine)
            ) as different
            """
        ).fetchone()
    return int(found[0]) if found else 0


def first_line(problem: Exception) -> str:
    """The first line of an error."""
    return str(problem).strip().splitlines()[0] if str(problem).strip() else type(problem).__name__


def fix_of(settings: RunSettings, problem: Exception) -> str:
    """What to do with a warehouse that does not open."""
    text = str(problem)
    if "lock" in text:
        return "another program has it open: close it (nobody but a run opens this file)"
    if "Permission" in text or "denied" in text:
        return "see the finding on rights"
    if "newer version" in text:
        return "it was written by a newer DuckDB: install that version again (make setup)"
    aside = settings.warehouse.with_suffix(".broken")
    return f"mv {settings.warehouse} {aside} && {RUN} (what was landed comes back from {shown(settings.landings)})"
