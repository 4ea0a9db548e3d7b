"""What each record should hold (`rpt_crm_records`), beside what the CRM has acknowledged: new, changed, taken back, kept back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from orchestration.telling.write_back.acknowledged import Acknowledged, Memory, WriteBackError, content_hash
from orchestration.warehouse.marts_file import open_marts
from orchestration.warehouse.settings import RunSettings, shown

# Columns that say which record it is; they stay when it is taken back.
IDENTITY = ("transaction_id", "source_record_id", "payee_id", "payee_name", "currency_code")
AMOUNTS = (
    "established_amount", "ledger_amount", "paid_amount", "withheld_amount", "expired_amount", "held_amount",
)  # fmt: skip
COUNTS = ("payee_count",)
GONE_WITHOUT_RELEASE = (
    "Nothing of it is left, and a month that it rests on was released and has changed since. Release the month again; until "
    "then the CRM keeps what it has"
)


@dataclass(frozen=True)
class Target:
    """One row of seeds/crm/crm_targets.csv with its fields (column by field of the CRM)."""

    target_id: str
    system_code: str
    source_name: str
    grain_code: str
    crm_object: str
    key_field: str
    columns: dict[str, str]


@dataclass(frozen=True)
class Due:
    """A record to send: how it differs (new, changed, taken_back), its fields, and what is remembered once it is taken."""

    change_code: str
    key: str
    fields: Mapping[str, Any]
    remembered: Acknowledged


@dataclass
class Comparison:
    """A target's records beside what the CRM has."""

    target: Target
    due: list[Due] = field(default_factory=list)
    unchanged: int = 0
    kept_back: list[tuple[str, str]] = field(default_factory=list)

    def count(self, change_code: str) -> int:
        """Number of records to send that differ in this way."""
        return sum(due.change_code == change_code for due in self.due)


@dataclass(frozen=True)
class Published:
    """What the published marts say of a target."""

    rows: list[dict[str, Any]]
    stale: frozenset[str]


def read_targets(marts: duckdb.DuckDBPyConnection, system_code: str | None) -> list[Target]:
    """The targets as the last run saw them. Raises WriteBackError when there is none."""
    found: dict[str, Target] = {}
    for row in _rows(
        marts,
        "from rpt_crm_fields where ? is null or system_code = ? order by crm_field_key",
        [system_code, system_code],
    ):
        target = found.setdefault(
            row["target_id"],
            Target(
                target_id=row["target_id"],
                system_code=row["system_code"],
                source_name=row["source_name"],
                grain_code=row["grain_code"],
                crm_object=row["crm_object"],
                key_field=row["key_field"],
                columns={},
            ),
        )
        target.columns[row["crm_field"]] = row["column_name"]
    if not found:
        of_system = f" of {system_code}" if system_code else ""
        raise WriteBackError(
            f"there is no target{of_system} in seeds/crm/crm_targets.csv; add one and `commissions run`"
        )
    return list(found.values())


def open_published(settings: RunSettings) -> duckdb.DuckDBPyConnection:
    """The published marts, read-only. Raises WriteBackError when nothing was published."""
    if not settings.published.exists():
        raise WriteBackError(f"{shown(settings.published)} is not there yet; `commissions run` first")
    return open_marts(settings.published, settings.published_key())


def read_published(marts: duckdb.DuckDBPyConnection, target: Target) -> Published:
    """The target's rows, and the plan months that have changed since their release."""
    rows = _rows(marts, "from rpt_crm_records where target_id = ? order by record_key", [target.target_id])
    stale = marts.execute("select calculation_id from fct_calculations where is_stale").fetchall()
    return Published(rows, frozenset(found for (found,) in stale))


def compare(target: Target, published: Published, memory: Memory | None) -> Comparison:
    """Set what each record should hold beside what the CRM has. Without a memory all records are new."""
    known = memory.records if memory else {}
    comparison = Comparison(target)
    for row in published.rows:
        key = row["record_key"]
        if row["reason_code"]:
            comparison.kept_back.append((key, f"{row['reason_description']}. {row['fix']}"))
            continue
        due = _due(target, key, row, known.get(key))
        if due is None:
            comparison.unchanged += 1
        else:
            comparison.due.append(due)
    listed = {row["record_key"] for row in published.rows}
    for key in sorted(set(known) - listed):
        _take_back(comparison, known[key], published)
    return comparison


def _due(target: Target, key: str, row: Mapping[str, Any], before: Acknowledged | None) -> Due | None:
    fields = {name: row[column] for name, column in target.columns.items()}
    hashed = content_hash(fields)
    if before is not None and before.content_hash == hashed:
        return None
    columns = {column: _text(row[column]) for column in sorted({*target.columns.values(), *IDENTITY})}
    calculations = tuple(filter(None, (row["calculation_ids"] or "").split(",")))
    return Due(
        "new" if before is None else "changed", key, fields, Acknowledged(key, columns, hashed, calculations)
    )


def _take_back(comparison: Comparison, before: Acknowledged, published: Published) -> None:
    """Empty a record of which nothing is left, unless the cause may be a month that is not released again yet."""
    if set(before.calculation_ids) & published.stale:
        comparison.kept_back.append((before.key, GONE_WITHOUT_RELEASE))
        return
    emptied = {column: _emptied(column, before.columns.get(column)) for column in before.columns}
    fields = {
        name: _emptied(column, before.columns.get(column))
        for name, column in comparison.target.columns.items()
    }
    hashed = content_hash(fields)
    if before.is_taken_back and before.content_hash == hashed:
        comparison.unchanged += 1
        return
    remembered = Acknowledged(
        before.key, {column: _text(value) for column, value in emptied.items()}, hashed, (), True
    )
    comparison.due.append(Due("taken_back", before.key, fields, remembered))


def _emptied(column: str, value: str | None) -> Any:
    if column in AMOUNTS:
        return Decimal(0)
    if column in COUNTS:
        return 0
    return value if column in IDENTITY else None


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _rows(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: list[Any] | None = None
) -> list[dict[str, Any]]:
    try:
        found = connection.execute(query, parameters or [])
    except duckdb.CatalogException:
        raise WriteBackError(
            "the published marts were made by an earlier version; `commissions run` first"
        ) from None
    names = [column[0] for column in found.description or []]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def memory_folder(settings: RunSettings) -> Path:
    """Folder of what CRMs have acknowledged. Back it up: without it, records that are to be emptied are not known."""
    return settings.home / "write_back"
