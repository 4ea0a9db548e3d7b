"""Decide which rows of an extract must be landed, from what the last load recorded about it.

Every extract holds all rows of its table. What is passed on is
  nothing  when the rows are those of the last load;
  delta    when the table has a modification stamp and all rows up to the last cursor are unchanged: only
           the rows above the cursor, and no row is retired;
  full     otherwise: all rows. A changed row gets a new version, an absent row is retired.
A late row, an edit that kept its old stamp and a removed row all alter the rows up to the cursor, so they
lead to a full comparison and cannot be missed.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from ingestion.landing.files import (
    PROBLEMS_SHOWN,
    ROW_HASH,
    InputError,
    Problem,
    ReadTable,
    locate,
    open_extract,
    read_extract,
)
from ingestion.landing.settings import Settings
from ingestion.landing.tables import Table

Mode = Literal["nothing", "delta", "full"]
State = Mapping[str, Any]


@dataclass(frozen=True)
class Plan:
    """What to land of one table, and what to remember once it is landed.

    Attributes:
        deleted: row hashes of the live rows that a delta retires.
    """

    mode: Mode
    rows: pa.Table | None
    remember: dict[str, Any]
    rows_in_file: int
    deleted: tuple[str, ...] = ()


def digest_of(hashes: Iterable[str]) -> str:
    """Return a digest of a set of rows, whatever their order in the file."""
    return hashlib.sha256("".join(sorted(hashes)).encode()).hexdigest()


def _settled(rows: pa.Table, stamp: str, cursor: datetime) -> pa.Array:
    """Return a mask of the rows at or below the cursor; a row without stamp is one of them."""
    return pc.fill_null(pc.less_equal(rows[stamp], pa.scalar(cursor, type=rows[stamp].type)), True)


def _new_cursor(rows: pa.Table, stamp: str) -> dict[str, Any]:
    latest = pc.max(rows[stamp]).as_py()
    if latest is None:
        return {}
    mask = _settled(rows, stamp, latest)
    return {"cursor": latest.isoformat(), "settled": digest_of(rows.filter(mask)[ROW_HASH].to_pylist())}


def compare(table: Table, read: ReadTable, digest: str, state: State) -> Plan:
    """Return the plan for a file that was read without problems."""
    rows = read.rows
    if rows is None:
        raise ValueError(f"{read.file} has problems: {read.problems}")
    content = digest_of(rows[ROW_HASH].to_pylist())
    remember: dict[str, Any] = {"digest": digest, "content": content, "rows": rows.num_rows}
    if table.stamp:
        remember |= _new_cursor(rows, table.stamp)
    if state.get("content") == content:
        return Plan("nothing", None, remember, rows.num_rows)
    if table.stamp and "cursor" in state:
        mask = _settled(rows, table.stamp, datetime.fromisoformat(state["cursor"]))
        if digest_of(rows.filter(mask)[ROW_HASH].to_pylist()) == state["settled"]:
            return Plan("delta", rows.filter(pc.invert(mask)), remember, rows.num_rows)
    return Plan("full", rows, remember, rows.num_rows)


def shrinks(before: int, now: int, settings: Settings) -> bool:
    """Whether a table lost more rows than the settings let pass."""
    lost = before - now
    return lost > settings.shrink_rows_min and Decimal(lost) > settings.shrink_ratio_max * before


def _absent(file: str, override: str, state: State) -> Problem:
    if not state:
        return Problem(file, "the file is missing; export the table, with the header alone if it has no rows")
    return Problem(
        file,
        f"the file has vanished, the last load had {state['rows']} rows; export it again, or set "
        f"COMMISSIONS_ALLOW_SHRINK={override} to continue with the rows of the last load",
    )


def plan_system(
    system: str,
    tables: Iterable[Table],
    extract_dir: Path,
    states: Mapping[str, State],
    settings: Settings,
) -> dict[str, Plan]:
    """Return one plan per table of a system.

    Args:
        states: what the last load remembers of each table; empty for one that was never loaded.

    Raises:
        InputError: with the problems of all files of the system, before anything is written.
    """
    plans: dict[str, Plan] = {}
    problems: list[Problem] = []
    for table in tables:
        state, override = states.get(table.name) or {}, f"{system}.{table.name}"
        try:
            path, file = locate(extract_dir, system, table)
            if path is None:
                if not state or override not in settings.allow_shrink:
                    problems.append(_absent(file, override, state))
                plans[table.name] = Plan("nothing", None, dict(state), 0)
                continue
            extract = open_extract(path, file, table)
        except InputError as error:
            problems += error.problems
            continue
        if state.get("digest") == extract.digest:
            plans[table.name] = Plan("nothing", None, dict(state), int(state["rows"]))
            continue
        read = read_extract(extract, table)
        if read.problems:
            problems += read.problems
            continue
        plan = compare(table, read, extract.digest, state)
        before = int(state.get("rows", 0))
        if override not in settings.allow_shrink and shrinks(before, plan.rows_in_file, settings):
            problems.append(
                Problem(
                    file,
                    f"the file has {plan.rows_in_file} rows, the last load had {before}: "
                    f"{before - plan.rows_in_file} rows would be retired, more than the "
                    f"{settings.shrink_ratio_max * 100:f} % allowed; if the export "
                    f"is complete, set COMMISSIONS_ALLOW_SHRINK={override} for this load",
                )
            )
        plans[table.name] = plan
    if problems:
        raise InputError(problems)
    return plans


class Passes(Protocol):
    """Remembers which extracts had no problem."""

    def passed(self, name: str, digest: str) -> bool:
        """Whether this has passed before, exactly as it is now."""

    def add(self, name: str, digest: str) -> None:
        """Note that this has no problem."""


def check_system(
    system: str, tables: Iterable[Table], extract_dir: Path, passes: Passes | None = None
) -> list[Problem]:
    """Read and type all files of a system, without writing; return up to 20 problems.

    Args:
        passes: an extract that has passed before, with the same bytes and declaration, is not read again.
    """
    problems: list[Problem] = []
    for table in tables:
        try:
            path, file = locate(extract_dir, system, table)
            if path is None:
                problems.append(_absent(file, f"{system}.{table.name}", {}))
                continue
            # What is remembered are the very bytes that are read.
            packed = path.read_bytes()
            name = f"extract {file}"
            digest = hashlib.sha256(packed)
            digest.update(repr((file, table)).encode())
            if passes is not None and passes.passed(name, digest.hexdigest()):
                continue
            found = read_extract(open_extract(path, file, table, packed), table).problems
            if passes is not None and not found:
                passes.add(name, digest.hexdigest())
            problems += found
        except InputError as error:
            problems += error.problems
    return problems[:PROBLEMS_SHOWN]
