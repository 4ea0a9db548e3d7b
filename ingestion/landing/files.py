"""Read an extract: CSV text in, typed Arrow table out, every fault named by file, row and column.

Data flow: bytes -> rows of text -> one list per column -> one converted list per column -> Arrow table with the
columns `_row_hash`, `_source_file`, `_source_row` added. Nothing is written here.
"""

import csv
import gzip
import hashlib
import io
import re
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from ingestion.landing.tables import PRECISION, Column, Table

ROW_HASH, SOURCE_FILE, SOURCE_ROW = "_row_hash", "_source_file", "_source_row"
PROBLEMS_SHOWN = 20

# Bump when a reader change alters what the same file lands as: every file is then compared again.
READER_VERSION = 1


@dataclass(frozen=True)
class Problem:
    """One fault of one file: `row` is the line in the file (header = 1), both may be unknown."""

    file: str
    message: str
    row: int | None = None
    column: str | None = None

    def __str__(self) -> str:
        row = "" if self.row is None else f" row {self.row}"
        column = "" if self.column is None else f" column {self.column}"
        return f"{self.file}{row}{column}: {self.message}"


class InputError(Exception):
    """The extracts cannot be loaded as they are. Nothing was written."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        shown = [f"  {problem}" for problem in self.problems[:PROBLEMS_SHOWN]]
        more = len(self.problems) - len(shown)
        if more > 0:
            shown.append(f"  ... and {more} more")
        super().__init__(
            f"{len(self.problems)} problem(s) in the extracts, nothing was written:\n" + "\n".join(shown)
        )


@dataclass
class ReadTable:
    """A file that was read: typed rows, or the problems that prevent it."""

    file: str
    rows: pa.Table | None
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True)
class ExtractFile:
    """An extract's bytes, unpacked, and their digest together with the declaration they are read by."""

    file: str
    content: bytes
    digest: str


def locate(extract_dir: Path, system: str, table: Table) -> tuple[Path | None, str]:
    """Return the path of a table's extract (None when absent) and its name relative to `extract_dir`.

    Raises:
        InputError: both the plain and the packed form are there.
    """
    found = [
        path
        for path in (extract_dir / system / f"{table.name}{end}" for end in (".csv", ".csv.gz"))
        if path.is_file()
    ]
    if len(found) > 1:
        raise InputError(
            [
                Problem(
                    f"{system}/{table.name}.csv",
                    "there is a .csv and a .csv.gz; keep the one that is current",
                )
            ]
        )
    if not found:
        return None, f"{system}/{table.name}.csv"
    return found[0], f"{system}/{found[0].name}"


def open_extract(path: Path, file: str, table: Table, packed: bytes | None = None) -> ExtractFile:
    """Read and unpack an extract.

    Args:
        packed: the file's bytes, where they were read before.

    Raises:
        InputError: a packed file is damaged.
    """
    content = path.read_bytes() if packed is None else packed
    if path.suffix == ".gz":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(
                [Problem(file, f"is not a complete gzip file ({error}); export it again")]
            ) from error
    digest = hashlib.sha256(content)
    digest.update(repr((READER_VERSION, file, table)).encode())
    return ExtractFile(file, content, digest.hexdigest())


def _computed_reader(scale: int) -> Callable[[str], Decimal]:
    """Return a reader that rounds to the scale, half away from zero; binary fractions may come with an exponent."""
    read_exact, written = _decimal_reader(scale), re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")

    def read(value: str) -> Decimal:
        if not written.fullmatch(value):
            return read_exact(value)
        number = Decimal(value).quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP, Context(prec=2000))
        return read_exact(format(number if number else abs(number), "f"))

    return read


def _decimal_reader(scale: int) -> Callable[[str], Decimal]:
    whole_digits = PRECISION - scale
    plain = re.compile(r"-?[0-9]+(\.[0-9]+)?")

    def read(value: str) -> Decimal:
        if not plain.fullmatch(value):
            guess = value.replace(" ", "").replace("\u00a0", "").strip("$€£+")
            if (
                "," in guess
                and "." not in guess
                and guess.count(",") == 1
                and not re.search(r",[0-9]{3}$", guess)
            ):
                guess = guess.replace(",", ".")
            guess = guess.replace(",", "")
            fix = guess if plain.fullmatch(guess) else "digits with '.' as decimal point, for example 1234.50"
            raise ValueError(f"is not a decimal number; write {fix}")
        number = Decimal(value)
        decimals = value.partition(".")[2].rstrip("0")
        if len(decimals) > scale:
            raise ValueError(
                f"has {len(decimals)} decimals, the column holds {scale}; round it at the source, or, where the source "
                f'computes it, declare the column as "decimal {scale} computed", and it is rounded here'
            )
        if abs(number) >= 10**whole_digits:
            raise ValueError(f"has more than {whole_digits} digits before the decimal point; correct it")
        return number

    return read


def _read_date(value: str) -> date:
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            return date.fromisoformat(value)
    except ValueError as error:
        raise ValueError(
            f"is not a date of the calendar ({error}); write an existing day as YYYY-MM-DD"
        ) from error
    raise ValueError("is not a date; write YYYY-MM-DD, for example 2012-01-31")


def _read_timestamp(value: str) -> datetime:
    fix = "write YYYY-MM-DDThh:mm:ssZ, for example 2012-01-31T00:00:00Z"
    if not re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:", value):
        raise ValueError(f"is not an instant; {fix}")
    try:
        instant = datetime.fromisoformat(value)
    except ValueError as error:
        raise ValueError(f"is not an instant ({error}); {fix}") from error
    if instant.tzinfo is None:
        raise ValueError(f"has no time zone; write {value.replace(' ', 'T')}Z if it is UTC")
    return instant.astimezone(UTC)


def _read_bool(value: str) -> bool:
    lowered = value.lower()
    if lowered not in ("true", "false"):
        raise ValueError("is neither true nor false; write true or false")
    return lowered == "true"


def _read_bigint(value: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,18}", value):
        raise ValueError("is not a whole number; write digits only, for example 42")
    return int(value)


def _reader(column: Column) -> Callable[[str], Any]:
    match column.type:
        case "decimal":
            return (_computed_reader if column.computed else _decimal_reader)(column.scale)
        case "date":
            return _read_date
        case "timestamp":
            return _read_timestamp
        case "bool":
            return _read_bool
        case "bigint":
            return _read_bigint
        case _:
            return str


def arrow_type(column: Column) -> pa.DataType:
    """Return the Arrow type that a declared column is landed with."""
    match column.type:
        case "decimal":
            return pa.decimal128(PRECISION, column.scale)
        case "date":
            return pa.date32()
        case "timestamp":
            return pa.timestamp("us", tz="UTC")
        case "bool":
            return pa.bool_()
        case "bigint":
            return pa.int64()
        case _:
            return pa.string()


def _canonical(value: Any) -> str:
    """Return the text by which a value enters the row hash: 1.50 and 1.5 are one value."""
    if isinstance(value, Decimal):
        written = format(value, "f")
        return written.rstrip("0").rstrip(".") if "." in written else written
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)


def split(file: str, content: bytes) -> tuple[list[str], list[list[str]], list[int], list[Problem]]:
    """Return header, rows of text, the line each row starts on, and problems."""
    try:
        decoded = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        return [], [], [], [Problem(file, "is not UTF-8 text; export it as UTF-8", row)]
    reader = csv.reader(io.StringIO(decoded, newline=""), strict=True)
    header: list[str] = []
    rows: list[list[str]] = []
    lines: list[int] = []
    problems: list[Problem] = []
    line = 1
    try:
        for cells in reader:
            if not header:
                header = cells
            elif not cells:
                pass
            elif len(cells) != len(header):
                problems.append(
                    Problem(
                        file,
                        f"has {len(cells)} fields, the header has {len(header)}; put values that contain "
                        "a comma or a line break in double quotes",
                        line,
                    )
                )
            else:
                rows.append(cells)
                lines.append(line)
            line = reader.line_num + 1
    except csv.Error as error:
        problems.append(Problem(file, f"cannot be read as CSV ({error}); check the double quotes", line))
    if not header:
        problems.append(Problem(file, "is empty; it needs at least the line with the column names", 1))
    return header, rows, lines, problems


def check_header(file: str, header: list[str], table: Table) -> list[Problem]:
    """Return what keeps a file with these column names from being landed in a table."""
    problems = []
    seen: dict[str, str] = {}
    for name in header:
        if not name.strip():
            problems.append(Problem(file, "a column has no name; name it or drop it", 1))
        elif name.lower() in seen:
            problems.append(
                Problem(file, f"the name is there twice (also '{seen[name.lower()]}'); keep one", 1, name)
            )
        elif name.lower().startswith("_dlt_") or name.lower() in (ROW_HASH, SOURCE_FILE, SOURCE_ROW):
            problems.append(
                Problem(file, "the name is used by the landing itself; rename the column", 1, name)
            )
        seen[name.lower()] = name
    for column in table.columns:
        if column.name not in header:
            close = seen.get(column.name.lower())
            renamed = (
                f"the file has '{close}'; rename it"
                if close
                else f"add the column {column.name} to the export"
            )
            problems.append(
                Problem(
                    file,
                    f"the column is missing; {renamed}, or change its name in the declaration of table "
                    f"{table.name} when the source has renamed it",
                    1,
                    column.name,
                )
            )
    return problems


def _check_key(file: str, table: Table, values: dict[str, list[Any]], lines: list[int]) -> list[Problem]:
    problems = []
    for name in table.primary_key:
        problems += [
            Problem(file, "the key is empty; fill it, a row without key cannot be followed", line, name)
            for line, value in zip(lines, values[name], strict=True)
            if value is None
        ]
    first: dict[tuple[Any, ...], int] = {}
    for line, key in zip(lines, zip(*(values[name] for name in table.primary_key), strict=True), strict=True):
        if None in key:
            continue
        if key in first:
            shown = ", ".join(f"'{_canonical(part)}'" for part in key)
            problems.append(
                Problem(
                    file,
                    f"{shown} is the key of row {first[key]} as well; keep one of the two rows",
                    line,
                    " + ".join(table.primary_key),
                )
            )
        first.setdefault(key, line)
    return problems


def convert(
    file: str, column: Column, cells: Sequence[str], lines: list[int]
) -> tuple[list[Any], list[str], list[Problem]]:
    """Return a column's values, its parts of the row hash, and problems. Empty text is NULL.

    Each distinct text is converted once.
    """
    read = _reader(column)
    values: dict[str, Any] = {"": None}
    parts: dict[str, str] = {"": ""}
    faults: dict[str, str] = {}
    for cell in set(cells):
        if cell == "":
            continue
        try:
            values[cell] = value = read(cell)
        except ValueError as error:
            faults[cell] = str(error)
            values[cell], parts[cell] = None, ""
            continue
        canonical = _canonical(value)
        parts[cell] = f"{column.name}={len(canonical)}:{canonical};"
    problems = [
        Problem(file, f"'{cell}' {faults[cell]}", line, column.name)
        for line, cell in zip(lines, cells, strict=True)
        if faults and cell in faults
    ]
    return [values[cell] for cell in cells], [parts[cell] for cell in cells], problems


def hash_rows(parts: Iterable[list[str]]) -> list[str]:
    """Return one hash per row over its filled columns, so that a new empty column changes no hash."""
    return [
        hashlib.blake2b("".join(row).encode("utf-8"), digest_size=16).hexdigest()
        for row in zip(*parts, strict=True)
    ]


# A preflight and the load behind it read the same bytes: the second time is free.
_CACHE_TABLES = 32
_CACHE_BYTES_EACH = 64_000_000
_CACHE: "OrderedDict[str, ReadTable]" = OrderedDict()


def read_extract(extract: ExtractFile, table: Table) -> ReadTable:
    """Type the rows of an extract; columns that are not declared are read as text."""
    cached = _CACHE.get(extract.digest)
    if cached is not None:
        _CACHE.move_to_end(extract.digest)
        return cached
    result = _read(extract, table)
    if result.rows is not None and result.rows.nbytes <= _CACHE_BYTES_EACH:
        _CACHE[extract.digest] = result
        while len(_CACHE) > _CACHE_TABLES:
            _CACHE.popitem(last=False)
    return result


def _read(extract: ExtractFile, table: Table) -> ReadTable:
    # It builds on this module, so it is found only now.
    from ingestion.landing.vectorised import read_fast

    rows = read_fast(extract, table)
    return ReadTable(extract.file, rows) if rows is not None else read_rows(extract, table)


def read_rows(extract: ExtractFile, table: Table) -> ReadTable:
    """Type the rows of any extract one by one, and word its problems. `vectorised` reads right ones faster."""
    file = extract.file
    header, rows, lines, problems = split(file, extract.content)
    if header:
        problems += check_header(file, header, table)
    if problems:
        return ReadTable(file, None, problems)

    declared = {column.name for column in table.columns}
    extra = [Column(name, "text") for name in header if name not in declared]
    columns = [*table.columns, *extra]
    cells = list(zip(*rows, strict=True)) if rows else [()] * len(header)
    position = {name: index for index, name in enumerate(header)}
    values: dict[str, list[Any]] = {}
    hash_parts: dict[str, list[str]] = {}
    for column in columns:
        values[column.name], hash_parts[column.name], faults = convert(
            file, column, cells[position[column.name]], lines
        )
        problems += faults
    problems += _check_key(file, table, values, lines)
    if problems:
        return ReadTable(file, None, sorted(problems, key=lambda problem: problem.row or 0))

    names = sorted(column.name for column in columns)
    values[ROW_HASH] = hash_rows(hash_parts[name] for name in names)
    values[SOURCE_FILE] = [file] * len(lines)
    values[SOURCE_ROW] = lines
    return ReadTable(file, pa.table(values, schema=schema_of(table, columns)))


def schema_of(table: Table, columns: Sequence[Column]) -> pa.Schema:
    """The Arrow schema in which an extract lands: its columns, then hash, file and row."""
    fields = [
        pa.field(column.name, arrow_type(column), column.name not in table.primary_key) for column in columns
    ]
    fields += [
        pa.field(ROW_HASH, pa.string(), nullable=False),
        pa.field(SOURCE_FILE, pa.string(), nullable=False),
        pa.field(SOURCE_ROW, pa.int64(), nullable=False),
    ]
    return pa.schema(fields)
