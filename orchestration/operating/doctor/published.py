"""What readers see: the published marts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime

import duckdb

from orchestration.operating.doctor.finding import Finding, Patient, check, days_ago, error, ok, warning
from orchestration.operating.doctor.warehouse import RUN, first_line
from orchestration.warehouse.marts_file import MartsFileError, open_marts
from orchestration.warehouse.settings import dbt_as_of_date

WRITABLE = 0o222


@check("published", "file")
def file(patient: Patient) -> Iterator[Finding]:
    """It can be read, and is of the date that is wanted."""
    path = patient.settings.published
    if not path.exists():
        if any(patient.settings.books.glob("periods/*")):
            yield warning("nothing is published, though months are closed", path, fix=RUN)
        else:
            yield ok(f"nothing is published yet; start with: {RUN}", path)
        return
    try:
        with open_marts(path, patient.settings.published_key()) as marts:
            facts = dict(marts.execute("select name, value from publication.run").fetchall())
            marts.execute("select sum(payout_amount) from fct_payouts").fetchall()
    except MartsFileError as problem:
        yield error(first_line(problem), path, fix="set COMMISSIONS_PUBLISHED_KEY to where its key is")
        return
    except (duckdb.Error, OSError) as problem:
        yield error(first_line(problem), path, fix=f"rm -f {path} && {RUN}")
        return
    at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    as_of = str(facts.get("as_of_date"))
    wanted = patient.settings.as_of_date or dbt_as_of_date()
    told = f"as of {as_of}, published {days_ago(at, patient.now)}"
    if as_of < wanted:
        yield warning(f"{told}; {wanted} is wanted", path, fix=RUN)
    elif as_of > wanted:
        yield warning(
            f"{told}; {wanted} is wanted, which is earlier", path, fix="correct COMMISSIONS_AS_OF_DATE"
        )
    else:
        yield ok(told, path)
    if path.stat().st_mode & WRITABLE:
        yield warning("readers could write it", path, fix=f"chmod a-w {path}")


@check("published", "leftovers")
def leftovers(patient: Patient) -> Iterator[Finding]:
    """No half copies lie about; the next run takes them away."""
    left = [path for path in patient.settings.published.parent.glob("*.tmp*") if not _is_of_living(path.name)]
    if left:
        size = sum(path.stat().st_size for path in left)
        yield warning(f"{len(left)} half copies of killed runs, {size / 1e6:,.0f} MB", left[0], fix=RUN)


def _is_of_living(name: str) -> bool:
    """Whether the process in a temporary file's name (marts.duckdb.4711.tmp) is there."""
    process = next((part for part in name.split(".") if part.isdecimal()), "")
    return bool(process) and os.path.exists(f"/proc/{process}")
