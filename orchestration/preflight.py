"""Checks every seed file before anything is written.

The contract of a seed is written once, in the dbt property file beside it (``seeds/**/_*.yml``): columns,
data types and data tests. dbt enforces it on the loaded table; this module enforces the same lines on the CSV
file, where a mistake still has a file, a row and a column. All problems are reported together.

Rows are numbered as an editor numbers lines: the header is row 1. An empty cell is a null.
"""

from __future__ import annotations

import csv
import difflib
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import yaml

from ingestion.load import check_inputs as check_extracts
from ingestion.registry import SYSTEMS
from ingestion.settings import Settings as IngestionSettings

# Longer lists of allowed values are cut in messages.
KNOWN_VALUES_SHOWN_MAX = 12


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake in one input file, with the mend.

    ``file`` is relative to the project root, ``rows`` are line numbers (header = 1; empty when the whole file
    is meant), ``message`` says what is wrong and ``mend`` what to write instead.
    """

    file: str
    rows: tuple[int, ...]
    column: str
    message: str
    mend: str

    def __str__(self) -> str:
        mend = f". {self.mend}" if self.mend else ""
        return f"{self.file}{self.where}: {self.message}{mend}"

    @property
    def where(self) -> str:
        """The place inside the file, empty or starting with a space."""
        numbers = [str(row) for row in self.rows]
        rows = f" rows {', '.join(numbers[:-1])} and {numbers[-1]}" if len(numbers) > 1 else ""
        rows = f" row {numbers[0]}" if len(numbers) == 1 else rows
        column = f"{',' if rows else ''} column {self.column}" if self.column else ""
        return rows + column


class PreflightError(Exception):
    """The inputs are not usable; nothing was written. ``problems`` holds every mistake found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(render(problems))


@dataclass(frozen=True)
class Check:
    """One data test of the property file: its name, arguments and the column it stands under (if any)."""

    name: str
    arguments: Mapping[str, Any]
    column: str | None


@dataclass(frozen=True)
class SeedContract:
    """What the property file says about one seed."""

    name: str
    declared_in: str
    data_types: Mapping[str, str]
    descriptions: Mapping[str, str]
    checks: tuple[Check, ...]


@dataclass
class SeedFile:
    """One CSV file as text cells. ``rows`` pairs the line number with the cells by column name."""

    name: str
    file: str
    header: list[str] = field(default_factory=list)
    rows: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def check_seeds(root: Path) -> list[Problem]:
    """Check all CSV files under ``root/seeds`` against the property files beside them.

    Returns every problem, sorted by file and row; an empty list means that dbt can load the seeds.
    """
    seeds = {}
    for path in sorted((root / "seeds").rglob("*.csv")):
        seeds[path.stem] = read_seed(path, root)
    contracts, problems = read_contracts(root)
    for name, seed in seeds.items():
        problems += seed.problems
        contract = contracts.get(name)
        if contract is None:
            problems.append(
                Problem(
                    seed.file,
                    (),
                    "",
                    "no property file describes this seed",
                    f"Add `{name}` with its columns and data types to a _*.yml file in the same folder",
                )
            )
        elif seed.header:
            problems += check_columns(seed, contract)
            problems += check_cells(seed, contract)
            problems += run_checks(seed, contract, seeds)
    for name, contract in contracts.items():
        if name not in seeds:
            problems.append(
                Problem(
                    contract.declared_in,
                    (),
                    "",
                    f"describes the seed `{name}`, but there is no {name}.csv under seeds/",
                    "Add the file or delete the entry",
                )
            )
    return sorted(set(problems))


@dataclass(frozen=True)
class Checked:
    """What a preflight without problems has read."""

    seeds: int
    extracts: int


def check_inputs(root: Path, settings: IngestionSettings) -> Checked:
    """Check all seeds under ``root`` and all extracts. Raises PreflightError with every problem found."""
    problems = check_seeds(root)
    problems += [
        Problem(
            file=problem.file,
            rows=() if problem.row is None else (problem.row,),
            column=problem.column or "",
            message=problem.message,
            mend="",
        )
        for problem in check_extracts(settings.extracts)
    ]
    if problems:
        raise PreflightError(problems)
    return Checked(
        seeds=len(list((root / "seeds").rglob("*.csv"))),
        extracts=sum(len(system.tables) for system in SYSTEMS.values()),
    )


def render(problems: Sequence[Problem]) -> str:
    """All problems as text, grouped by file, one line each."""
    lines = []
    for file in sorted({problem.file for problem in problems}):
        lines.append(file)
        lines += [f"  {problem}" for problem in problems if problem.file == file]
    return "\n".join(lines)


# --- reading -----------------------------------------------------------------------------------------------


def read_seed(path: Path, root: Path) -> SeedFile:
    """Read one CSV file; mistakes of the file format become problems of the returned seed."""
    seed = SeedFile(name=path.stem, file=path.relative_to(root).as_posix())

    def problem(rows: tuple[int, ...], message: str, mend: str, column: str = "") -> None:
        seed.problems.append(Problem(seed.file, rows, column, message, mend))

    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        problem((line,), "the bytes are not UTF-8", "Save the file as UTF-8 (CSV UTF-8 in a spreadsheet)")
        return seed

    reader = csv.reader(text.splitlines(keepends=True), strict=True)
    line = 1
    try:
        for cells in reader:
            start, line = line, reader.line_num + 1
            if not seed.header:
                seed.header = cells
                if not cells:
                    problem((start,), "no header", "Write the column names in the first row")
                    return seed
                continue
            if not cells:
                problem((start,), "blank line", "Delete the line")
            elif len(cells) != len(seed.header):
                problem(
                    (start,),
                    f"{len(cells)} fields where the header has {len(seed.header)}",
                    'Add or remove commas; a value that contains a comma goes in double quotes: "a, b"',
                )
            else:
                seed.rows.append((start, dict(zip(seed.header, cells, strict=True))))
    except csv.Error as error:
        problem((line,), f"not readable as CSV ({error})", "Check the double quotes of this row")
    if not seed.header:
        problem((), "the file is empty", "Write the column names in the first row")
    for name in sorted({name for name in seed.header if seed.header.count(name) > 1}):
        problem((1,), f"the column {name} appears twice", "Keep one of the two")
    return seed


def read_contracts(root: Path) -> tuple[dict[str, SeedContract], list[Problem]]:
    """Read the seeds of all property files. Returns the contracts by seed name, and YAML problems."""
    contracts: dict[str, SeedContract] = {}
    problems: list[Problem] = []
    for path in sorted([*(root / "seeds").rglob("*.yml"), *(root / "seeds").rglob("*.yaml")]):
        file = path.relative_to(root).as_posix()
        try:
            document = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            rows = (mark.line + 1,) if mark else ()
            problems.append(Problem(file, rows, "", "not readable as YAML", "Check indentation and colons"))
            continue
        for entry in document.get("seeds") or []:
            contracts[entry["name"]] = read_contract(entry, declared_in=file)
    return contracts, problems


def read_contract(entry: Mapping[str, Any], *, declared_in: str) -> SeedContract:
    """Turn one entry of ``seeds:`` into a contract."""
    columns = {column["name"]: column for column in entry.get("columns") or []}
    config = entry.get("config") or {}
    column_types = dict(config.get("column_types") or config.get("+column_types") or {})
    data_types = {
        name: str(column_types.get(name) or column.get("data_type") or "varchar").lower()
        for name, column in columns.items()
    }
    checks = [read_check(test, None) for test in _tests(entry)]
    for name, column in columns.items():
        checks += [read_check(test, name) for test in _tests(column)]
    return SeedContract(
        name=entry["name"],
        declared_in=declared_in,
        data_types=data_types,
        descriptions={name: str(column.get("description") or "") for name, column in columns.items()},
        checks=tuple(check for check in checks if check is not None),
    )


def _tests(entry: Mapping[str, Any]) -> list[Any]:
    return list(entry.get("data_tests") or []) + list(entry.get("tests") or [])


def read_check(test: str | Mapping[str, Any], column: str | None) -> Check | None:
    """One item of ``data_tests``; None where it cannot be evaluated outside the database (a `where`)."""
    if isinstance(test, str):
        return Check(test, {}, column)
    if "test_name" in test:
        name, body = test["test_name"], dict(test)
    else:
        name, body = next((key, dict(value or {})) for key, value in test.items() if key != "name")
    if (body.get("config") or {}).get("where") or body.get("where"):
        return None
    arguments = dict(body.pop("arguments", None) or {})
    arguments = {**body, **arguments}
    return Check(name.rsplit(".", 1)[-1], arguments, column)


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
            description = f" ({_phrase(contract, name)})" if _phrase(contract, name) else ""
            yield Problem(
                seed.file, (1,), name, f"missing column{description}", f"Add `{name}` to the header"
            )


def check_cells(seed: SeedFile, contract: SeedContract) -> Iterator[Problem]:
    """Every filled cell reads as its column's type, and every expression as SQL."""
    for column, data_type in contract.data_types.items():
        if column not in seed.header:
            continue
        is_expression = column.endswith("_expression")
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
                yield Problem(seed.file, (row,), column, f"'{value}' {wrong}", mend_for(column, data_type))
            elif is_expression and (syntax := expression_error(value)):
                yield Problem(
                    seed.file,
                    (row,),
                    column,
                    f"not a SQL expression: {syntax}",
                    'Write an expression over the source\'s fields, for example "Amount" > 0',
                )


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


def mend_for(column: str, data_type: str) -> str:
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


def expression_error(expression: str) -> str | None:
    """Why ``expression`` is not one SQL expression, else None. Parsed only: fields are known after landing."""
    with duckdb.connect(":memory:") as connection:
        found = connection.execute(
            """
            select
              json_extract_string(parsed, '$.error_message'),
              json_array_length(parsed, '$.statements'),
              json_array_length(parsed, '$.statements[0].node.select_list')
            from (select json_serialize_sql(cast(? as varchar)) as parsed)
            """,
            [f"select ({expression}\n)"],
        ).fetchone()
    message, statements, values = found or (None, 0, 0)
    if message:
        return str(message).splitlines()[0]
    return None if (statements, values) == (1, 1) else "it is more than one expression"


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
    keys = ("column_name", "valid_from", "valid_to", "tier_from", "tier_to")
    names = [arguments[key] for key in keys if arguments.get(key)]
    for key in ("columns", "partition_by", "combination_of_columns"):
        names += _names(arguments.get(key))
    return names


def _names(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or [])


def _phrase(contract: SeedContract, column: str) -> str:
    """The first sentence of the column's description, to say what the cell is for."""
    text = " ".join(contract.descriptions.get(column, "").split())
    return re.split(r"[.;](?:\s|$)", text)[0]


def _key(cells: Mapping[str, str], columns: Sequence[str]) -> tuple[str, ...]:
    return tuple(cells[name] for name in columns)


def _label(cells: Mapping[str, str], columns: Sequence[str]) -> str:
    return ", ".join(f"{name} '{cells[name]}'" if cells[name] else f"no {name}" for name in columns)


def check_not_null(
    seed: SeedFile, contract: SeedContract, arguments: Mapping[str, Any], _: Mapping[str, SeedFile]
) -> Iterator[Problem]:
    """Each row fills the column."""
    column = arguments["column_name"]
    owner = seed.name.removesuffix("s")
    phrase = _phrase(contract, column)
    for row, cells in seed.rows:
        if cells[column] == "":
            yield Problem(
                seed.file,
                (row,),
                column,
                f"empty; every {owner.replace('_', ' ')} needs a {column}"
                + (f" ({phrase})" if phrase else ""),
                mend_for(column, contract.data_types.get(column, "varchar")),
            )


def check_unique(
    seed: SeedFile, contract: SeedContract, arguments: Mapping[str, Any], _: Mapping[str, SeedFile]
) -> Iterator[Problem]:
    """No two rows share the value of the column, or of the column combination."""
    columns = _names(arguments.get("columns") or arguments.get("combination_of_columns"))
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
                f"the same key twice: {_label(cells_of[key], columns)}",
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
                (f"Did you mean {close[0]}? " if close else "") + f"Write one of: {_shown(values)}",
            )


def check_relationships(
    seed: SeedFile, contract: SeedContract, arguments: Mapping[str, Any], seeds: Mapping[str, SeedFile]
) -> Iterator[Problem]:
    """Each filled cell is found in the other seed; a reference to anything but a seed is left to dbt."""
    column = arguments["column_name"]
    found = re.search(r"ref\(\s*['\"](\w+)['\"]\s*\)", str(arguments.get("to", "")))
    other = seeds.get(found.group(1)) if found else None
    field_name = str(arguments.get("field") or column)
    if other is None or field_name not in other.header:
        return
    values = sorted({cells[field_name] for _, cells in other.rows if cells[field_name] != ""})
    noun = other.name.removesuffix("s").replace("_", " ")
    for row, cells in seed.rows:
        if cells[column] != "" and cells[column] not in values:
            close = difflib.get_close_matches(cells[column], values, n=1)
            yield Problem(
                seed.file,
                (row,),
                column,
                f"'{cells[column]}' is not in {other.file} (known: {_shown(values)})",
                (f"Did you mean {close[0]}? " if close else "") + f"Add the {noun} or correct the name",
            )


def check_no_overlap(
    seed: SeedFile, contract: SeedContract, arguments: Mapping[str, Any], _: Mapping[str, SeedFile]
) -> Iterator[Problem]:
    """Half-open date ranges [valid_from, valid_to) of one key do not overlap; an empty end is open."""
    columns = _names(arguments.get("partition_by"))
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
                label = f" of {_label(cells, columns)}" if columns else ""
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


def check_contiguous_tiers(
    seed: SeedFile, contract: SeedContract, arguments: Mapping[str, Any], _: Mapping[str, SeedFile]
) -> Iterator[Problem]:
    """Tiers [tier_from, tier_to) of one key start at 0, follow each other without gap or overlap; last is open."""
    columns = _names(arguments.get("partition_by"))
    start, end = str(arguments.get("tier_from", "tier_from")), str(arguments.get("tier_to", "tier_to"))
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


def _tier_problems(
    seed: SeedFile,
    columns: Sequence[str],
    start: str,
    end: str,
    bounds: Sequence[tuple[Decimal, int, Decimal | None, Mapping[str, str]]],
) -> Iterator[Problem]:
    label = f" of {_label(bounds[0][3], columns)}" if columns else ""
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
    _, row, high, _ = bounds[-1]
    if high is not None:
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
        groups.setdefault(_key(cells, columns), []).append((row, cells))
    return groups.values()


def _comparable(value: str, data_type: str) -> Any:
    if value and data_type.startswith(("decimal", "numeric")) and not _decimal_error(value, "38,18"):
        return Decimal(value)
    return value


def _range(cells: Mapping[str, str], start: str, end: str) -> str:
    return f"{cells[start] or 'ever'} to {cells[end] or 'open'}"


def _open(bound: Decimal | None) -> str:
    return "open" if bound is None else str(bound)


def _shown(values: Sequence[str]) -> str:
    listed = ", ".join(values[:KNOWN_VALUES_SHOWN_MAX])
    more = len(values) - KNOWN_VALUES_SHOWN_MAX
    return f"{listed}, and {more} more" if more > 0 else listed or "none"


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
}
