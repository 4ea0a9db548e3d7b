"""Checks CSV cells against the property file: columns, data types and the data tests that dbt runs later.

The contract of a seed is written once, in the dbt property file beside it (``seeds/**/_*.yml``). dbt enforces it on
the loaded table; this module enforces the same lines on the CSV file, where a mistake still has a file, a row
and a column.
"""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from orchestration.plans.checks.files import SeedContract, SeedFile, key_of, label_of, names_of, phrase
from orchestration.plans.checks.problems import Problem, shown

# Tiers in order: start, line number, end (None = open), the row's cells.
Bounds = Sequence[tuple[Decimal, int, Decimal | None, Mapping[str, str]]]

# --- columns and cells -------------------------------------------------------------------------------------


def check_columns(seed: SeedFile, contract: SeedContract) -> Iterator[Problem]:
    """The header has the columns of the contract and no others; their order is free."""
    known = list(contract.data_types)
    for name in seed.header:
        if name not in contract.data_types:
            close = difflib.get_close_matches(name, [k for k in known if k not in seed.header], n=1)
            hint = f"Did you mean {close[0]}?" if close else f"Known columns: {', '.join(known)}"
            yield Problem(seed.file, (1,), name, "unknown column", hint)
    for name in known:
        if name not in seed.header:
            description = f" ({phrase(contract, name)})" if phrase(contract, name) else ""
            yield Problem(
                seed.file, (1,), name, f"missing column{description}", f"Add `{name}` to the header"
            )


def check_cells(seed: SeedFile, contract: SeedContract) -> Iterator[Problem]:
    """Every filled cell reads as its column's type."""
    for column, data_type in contract.data_types.items():
        if column not in seed.header:
            continue
        for row, cells in seed.rows:
            value = cells[column]
            if value == "":
                continue
            if value != value.strip():
                yield Problem(
                    seed.file, (row,), column, f"'{value}' has spaces around it", "Delete the spaces"
                )
                continue
            wrong = type_error(value, data_type)
            if wrong:
                yield Problem(seed.file, (row,), column, f"'{value}' {wrong}", fix_for(column, data_type))


def type_error(value: str, data_type: str) -> str | None:
    """What keeps ``value`` (text of a CSV cell) from being a ``data_type``; None when nothing does."""
    name, _, size = data_type.partition("(")
    name = name.strip()
    if name in ("decimal", "numeric"):
        return _decimal_error(value, size)
    if name in ("integer", "int", "bigint", "smallint", "tinyint", "hugeint"):
        return None if re.fullmatch(r"[+-]?\d+", value) else "is not a whole number"
    if name == "date":
        return _date_error(value, date.fromisoformat, r"\d{4}-\d{2}-\d{2}", "is not a date")
    if name.startswith("timestamp"):
        return _date_error(value, datetime.fromisoformat, r"\d{4}-\d{2}-\d{2}.*", "is not a timestamp")
    if name in ("boolean", "bool"):
        return None if value.lower() in ("true", "false") else "is not true or false"
    if name in ("double", "float", "real"):
        return "cannot be checked: the column is declared as a float, which money and rates never are"
    return None


def _decimal_error(value: str, size: str) -> str | None:
    if not re.fullmatch(r"[+-]?(\d+(\.\d*)?|\.\d+)", value):
        return "is not a decimal number"
    digits = re.findall(r"\d+", size) or ["18", "3"]
    precision, scale = int(digits[0]), int(digits[1]) if len(digits) > 1 else 0
    whole, _, fraction = value.lstrip("+-").partition(".")
    if len(fraction.rstrip("0")) > scale:
        return f"has more than {scale} decimals and would be rounded"
    if len(whole.lstrip("0")) > precision - scale:
        return f"has more than {precision - scale} digits before the point"
    return None


def _date_error(value: str, parse: Callable[[str], Any], pattern: str, message: str) -> str | None:
    if not re.fullmatch(pattern, value):
        return message
    try:
        parse(value)
    except ValueError:
        return f"{message} (no such day)"
    return None


def fix_for(column: str, data_type: str) -> str:
    """How to write a value of this column."""
    if data_type.startswith(("decimal", "numeric")):
        if column.endswith(("rate", "ratio", "factor", "share")):
            noun = column.rsplit("_", 1)[-1]
            return f"Write the {noun} as a decimal, 0.05 for 5 %"
        return "Write a number with a decimal point and no thousands separators, 12500.00"
    if data_type == "date":
        return "Write the day as YYYY-MM-DD, 2013-01-31"
    if data_type.startswith("timestamp"):
        return "Write the instant in UTC as YYYY-MM-DD HH:MM:SS"
    if data_type.startswith("bool"):
        return "Write true or false"
    if "int" in data_type:
        return "Write a whole number without separators"
    return f"Write the {column.replace('_', ' ')}"


# --- data tests --------------------------------------------------------------------------------------------


def run_checks(seed: SeedFile, contract: SeedContract, seeds: Mapping[str, SeedFile]) -> Iterator[Problem]:
    """Evaluate the data tests of the contract that this module knows; others are left to dbt."""
    for check in contract.checks:
        arguments = {"column_name": check.column, **check.arguments}
        named = [name for name in _columns_of(arguments) if name not in seed.header]
        if named:
            continue  # reported as a missing column already
        evaluate = CHECKS.get(check.name)
        if evaluate is not None:
            yield from evaluate(seed, contract, arguments, seeds)


def _columns_of(arguments: Mapping[str, Any]) -> list[str]:
    keys = ("column_name", "valid_from", "valid_to", "tier_from", "tier_to", "closed_by")
    names = [arguments[key] for key in keys if arguments.get(key)]
    for key in ("columns", "partition_by", "combination_of_columns"):
        names += names_of(arguments.get(key))
    return names


def check_not_null(
    seed: SeedFile, contract: SeedContract, arguments: Mapping[str, Any], _: Mapping[str, SeedFile]
) -> Iterator[Problem]:
    """Each row fills the column."""
    column = arguments["column_name"]
    owner = seed.name.removesuffix("s")
    meaning = phrase(contract, column)
    for row, cells in seed.rows:
        if cells[column] == "":
            yield Problem(
                seed.file,
                (row,),
                column,
                f"empty; every {owner.replace('_', ' ')} needs a {column}"
                + (f" ({meaning})" if meaning else ""),
                fix_for(column, contract.data_types.get(column, "varchar")),
            )


def check_unique(
    seed: SeedFile, contract: SeedContract, arguments: Mapping[str, Any], _: Mapping[str, SeedFile]
) -> Iterator[Problem]:
    """No two rows share the value of the column, or of the column combination."""
    columns = names_of(arguments.get("columns") or arguments.get("combination_of_columns"))
    columns = columns or [arguments["column_name"]]
    rows_of: dict[tuple[Any, ...], list[int]] = {}
    cells_of: dict[tuple[Any, ...], Mapping[str, str]] = {}
    for row, cells in seed.rows:
        if len(columns) == 1 and cells[columns[0]] == "":
            continue
        key = tuple(_comparable(cells[name], contract.data_types.get(name, "varchar")) for name in columns)
        rows_of.setdefault(key, []).append(row)
        cells_of[key] = cells
    for key, rows in rows_of.items():
        if len(rows) > 1:
            yield Problem(
                seed.file,
                tuple(rows),
                columns[0] if len(columns) == 1 else "",
                f"the same key twice: {label_of(cells_of[key], columns)}",
                f"Keep one of the rows, or change {' or '.join(columns)} in one of them",
            )


def check_accepted_values(
    seed: SeedFile, contract: SeedContract, arguments: Mapping[str, Any], _: Mapping[str, SeedFile]
) -> Iterator[Problem]:
    """Each filled cell is one of the listed values."""
    column = arguments["column_name"]
    # YAML reads bare true and false as booleans.
    values = [str(v).lower() if isinstance(v, bool) else str(v) for v in arguments.get("values") or []]
    for row, cells in seed.rows:
        if cells[column] != "" and cells[column] not in values:
            close = difflib.get_close_matches(cells[column], values, n=1)
            yield Problem(
                seed.file,
                (row,),
                column,
                f"'{cells[column]}' is not allowed",
                (f"Did you mean {close[0]}? " if close else "") + f"Write one of: {shown(values)}",
            )


def seed_referred_to(arguments: Mapping[str, Any]) -> str:
    """The seed that a `relationships` test names; empty where it names none."""
    found = re.search(r"ref\(\s*['\"](\w+)['\"]\s*\)", str(arguments.get("to", "")))
    return found.group(1) if found else ""


def check_relationships(
    seed: SeedFile, contract: SeedContract, arguments: Mapping[str, Any], seeds: Mapping[str, SeedFile]
) -> Iterator[Problem]:
    """Each filled cell is found in the other seed; a reference to anything but a seed is left to dbt."""
    column = arguments["column_name"]
    other = seeds.get(seed_referred_to(arguments))
    field_name = str(arguments.get("field") or column)
    if other is None or field_name not in other.header:
        return
    known = {cells[field_name] for _, cells in other.rows if cells[field_name] != ""}
    values = sorted(known)
    noun = re.sub(r"ies$", "ys", other.name).removesuffix("s").replace("_", " ")
    for row, cells in seed.rows:
        if cells[column] != "" and cells[column] not in known:
            close = difflib.get_close_matches(cells[column], values, n=1)
            yield Problem(
                seed.file,
                (row,),
                column,
                f"'{cells[column]}' is not in {other.file} (known: {shown(values)})",
                (f"Did you mean {close[0]}? " if close else "") + f"Add the {noun} or correct the name",
            )


def check_no_overlap(
    seed: SeedFile, contract: SeedContract, arguments: Mapping[str, Any], _: Mapping[str, SeedFile]
) -> Iterator[Problem]:
    """Half-open date ranges [valid_from, valid_to) of one key do not overlap; an empty end is open."""
    columns = names_of(arguments.get("partition_by"))
    start, end = str(arguments.get("valid_from", "valid_from")), str(arguments.get("valid_to", "valid_to"))
    for group in _groups(seed, columns):
        ranges = []
        for row, cells in group:
            if type_error(cells[start] or "1970-01-01", "date") or type_error(
                cells[end] or "1970-01-01", "date"
            ):
                continue  # reported by its type
            if cells[end] and cells[end] <= cells[start]:
                yield Problem(
                    seed.file,
                    (row,),
                    end,
                    f"ends on {cells[end]}, not after its start {cells[start]}",
                    f"{end} is the first day on which the row no longer holds; leave it empty while it holds",
                )
                continue
            ranges.append((cells[start], row, cells))
        ranges.sort(key=lambda item: item[:2])
        for (_start, row, cells), (next_start, next_row, next_cells) in itertools.pairwise(ranges):
            if not cells[end] or next_start < cells[end]:
                label = f" of {label_of(cells, columns)}" if columns else ""
                yield Problem(
                    seed.file,
                    tuple(sorted((row, next_row))),
                    "",
                    f"two rows{label} hold at once ({_range(cells, start, end)} and "
                    f"{_range(next_cells, start, end)})",
                    f"End row {row} where row {next_row} starts: {end} {next_start}"
                    if next_start > cells[start]
                    else "Delete one of them or change its dates",
                )


def check_whole_months(
    seed: SeedFile, contract: SeedContract, arguments: Mapping[str, Any], _: Mapping[str, SeedFile]
) -> Iterator[Problem]:
    """A range starts and ends on the first day of a month, and has an end."""
    for column in (
        str(arguments.get("valid_from", "valid_from")),
        str(arguments.get("valid_to", "valid_to")),
    ):
        for row, cells in seed.rows:
            cell = cells[column]
            if cell and not type_error(cell, "date") and not cell.endswith("-01"):
                yield Problem(
                    seed.file,
                    (row,),
                    column,
                    f"'{cell}' is not the first day of a month",
                    f"Write {cell[:8]}01, or the first day of the next month",
                )


def check_contiguous_tiers(
    seed: SeedFile, contract: SeedContract, arguments: Mapping[str, Any], _: Mapping[str, SeedFile]
) -> Iterator[Problem]:
    """Tiers [tier_from, tier_to) of one key start at 0, follow each other without gap or overlap; last is open.

    A last tier whose `closed_by` column is filled must end instead: it is worth an amount.
    """
    columns = names_of(arguments.get("partition_by"))
    start, end = str(arguments.get("tier_from", "tier_from")), str(arguments.get("tier_to", "tier_to"))
    closed_by = arguments.get("closed_by")
    for group in _groups(seed, columns):
        bounds = []
        for row, cells in group:
            if _decimal_error(cells[start] or "0", "38,18") or _decimal_error(cells[end] or "0", "38,18"):
                break  # reported by its type; the order of the others would mislead
            low = Decimal(cells[start] or 0)
            high = Decimal(cells[end]) if cells[end] else None
            bounds.append((low, row, high, cells))
        else:
            bounds.sort(key=lambda item: item[:2])
            yield from _tier_problems(seed, columns, start, end, bounds)
            yield from _last_tier_problems(seed, columns, end, closed_by, bounds)


def _tier_problems(
    seed: SeedFile,
    columns: Sequence[str],
    start: str,
    end: str,
    bounds: Bounds,
) -> Iterator[Problem]:
    label = f" of {label_of(bounds[0][3], columns)}" if columns else ""
    low, row, _, _ = bounds[0]
    if low > 0:
        yield Problem(
            seed.file,
            (row,),
            start,
            f"the first tier{label} starts at {low}; nothing below it has a rate",
            f"Write {start} 0, or add a tier from 0 to {low}",
        )
    for low, row, high, _ in bounds:
        if high is not None and high <= low:
            yield Problem(
                seed.file, (row,), end, f"the tier ends at {high}, not above its start {low}", f"Raise {end}"
            )
            return
    for (low, row, high, _), (next_low, next_row, next_high, _) in itertools.pairwise(bounds):
        rows = tuple(sorted((row, next_row)))
        ranges = f"[{low}, {_open(high)}) and [{next_low}, {_open(next_high)})"
        if high is None or next_low < high:
            yield Problem(
                seed.file,
                rows,
                "",
                f"tiers{label} overlap ({ranges})",
                f"End row {row} where row {next_row} starts: {end} {next_low}",
            )
        elif next_low > high:
            yield Problem(
                seed.file,
                rows,
                "",
                f"tiers{label} leave a gap between {high} and {next_low} ({ranges})",
                f"End row {row} where row {next_row} starts: {end} {next_low}",
            )


def _last_tier_problems(
    seed: SeedFile, columns: Sequence[str], end: str, closed_by: str | None, bounds: Bounds
) -> Iterator[Problem]:
    label = f" of {label_of(bounds[0][3], columns)}" if columns else ""
    _, row, high, cells = bounds[-1]
    closes = bool(closed_by and cells[closed_by])
    if closes and high is None:
        yield Problem(
            seed.file,
            (row,),
            end,
            f"the last tier{label} has a {closed_by} and no end to reach it at",
            f"Write in {end} where the amount is earned in full",
        )
    if not closes and high is not None:
        yield Problem(
            seed.file,
            (row,),
            end,
            f"the last tier{label} ends at {high}; nothing above it has a rate",
            f"Leave {end} empty in the last tier",
        )


def _groups(seed: SeedFile, columns: Sequence[str]) -> Iterable[list[tuple[int, dict[str, str]]]]:
    groups: dict[tuple[str, ...], list[tuple[int, dict[str, str]]]] = {}
    for row, cells in seed.rows:
        groups.setdefault(key_of(cells, columns), []).append((row, cells))
    return groups.values()


def _comparable(value: str, data_type: str) -> Any:
    if value and data_type.startswith(("decimal", "numeric")) and not _decimal_error(value, "38,18"):
        return Decimal(value)
    return value


def _range(cells: Mapping[str, str], start: str, end: str) -> str:
    return f"{cells[start] or 'ever'} to {cells[end] or 'open'}"


def _open(bound: Decimal | None) -> str:
    return "open" if bound is None else str(bound)


Evaluate = Callable[
    [SeedFile, SeedContract, Mapping[str, Any], Mapping[str, SeedFile]],
    Iterator[Problem],
]

CHECKS: dict[str, Evaluate] = {
    "not_null": check_not_null,
    "unique": check_unique,
    "unique_combination": check_unique,
    "accepted_values": check_accepted_values,
    "relationships": check_relationships,
    "no_overlap": check_no_overlap,
    "contiguous_tiers": check_contiguous_tiers,
    "whole_months": check_whole_months,
}
