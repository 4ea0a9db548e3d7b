"""Read one side file: bytes in, rows of text out, every fault named by file, row and column.

Numbers stay digit for digit: text of a CSV is kept as it is written, and a floating-point number of Excel or Parquet
becomes the shortest decimal that stands for it, which is the one that was typed.
"""

import csv
import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from ingestion.landing.files import InputError, Problem
from ingestion.landing.tables import ColumnType

Types = Mapping[str, ColumnType]

_WITH_COMMA = re.compile(r"-?[0-9]{1,3}(\.?[0-9]{3})*(,[0-9]+)?|-?[0-9]+(,[0-9]+)?")
# The part of a number format that is for numbers above 0; and what in it is shown beside the digits.
_FIRST_SECTION = re.compile(r'(?:"[^"]*"|\\.|[^;"\\])*')
_LITERAL = re.compile(r'"[^"]+"|\\.|[-/():]')
_EXCEL_EXACT = 10**15
_IN_A_CSV_FILE = (".csv", ".csv.gz", ".tsv", ".txt")


@dataclass(frozen=True)
class Format:
    """How the files of a table are written.

    Attributes:
        kind: csv, excel or parquet; empty: the file's ending tells.
        delimiter, encoding: of CSV.
        decimal: decimal sign of CSV numbers, "." or ",".
        date_format: of CSV days, as of `datetime.strptime`; empty: 2024-01-31.
        sheet: of Excel; empty: the first.
        header_row: line of the column names in CSV and Excel, from 1; what is above it is not read.
        time_zone: of instants that Excel or Parquet hold without one, for example "Europe/Berlin".
    """

    kind: str = ""
    delimiter: str = ","
    encoding: str = "utf-8-sig"
    decimal: str = "."
    date_format: str = ""
    sheet: str = ""
    header_row: int = 1
    time_zone: str = ""


@dataclass
class SideFile:
    """The rows of a file as text; `rows` holds (row of the file, value by column)."""

    name: str
    header: list[str]
    rows: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def add(self, row: int, column: str | None, message: str) -> None:
        """Note a fault."""
        self.problems.append(Problem(self.name, message, row, column))


def kind_of(name: str) -> str:
    """Return csv, excel or parquet by the ending of a file's name; empty where it is none of these."""
    lowered = name.lower()
    if lowered.endswith(_IN_A_CSV_FILE):
        return "csv"
    if lowered.endswith((".xlsx", ".xlsm")):
        return "excel"
    return "parquet" if lowered.endswith(".parquet") else ""


def read_file(name: str, content: bytes, form: Format, types: Types) -> SideFile:
    """Return the rows of a file; its faults are in `problems`.

    Args:
        name: how messages call the file.
        types: declared columns, whose values are brought to the spelling that landing reads.

    Raises:
        InputError: the file is not what its format says.
    """
    readers: Mapping[str, Callable[[str, bytes, Format, Types], SideFile]] = {
        "csv": _read_csv,
        "excel": _read_excel,
        "parquet": _read_parquet,
    }
    reader = readers.get(form.kind or kind_of(name))
    if reader is None:
        raise _refused(name, 'is of no known format by its name; set format to "csv", "excel" or "parquet"')
    found = reader(name, content, form, types)
    _check_header(found, form)
    return found


def _refused(name: str, message: str, row: int | None = None) -> InputError:
    return InputError([Problem(name, message, row)])


def _check_header(found: SideFile, form: Format) -> None:
    seen: set[str] = set()
    for name in found.header:
        if name and name.lower() in seen:
            found.add(form.header_row, name, "the name is there twice; keep one of the columns")
        seen.add(name.lower())
    if not any(found.header):
        found.add(
            form.header_row, None, "there are no column names here; set header_row to the line that has them"
        )


def _read_csv(name: str, content: bytes, form: Format, types: Types) -> SideFile:
    reader = csv.reader(
        io.StringIO(_decoded(name, content, form), newline=""), delimiter=form.delimiter, strict=True
    )
    found, line = SideFile(name, []), 1
    try:
        for cells in reader:
            if line == form.header_row:
                found.header = [cell.strip() for cell in cells]
            elif line > form.header_row and any(cells):
                _add_csv_row(found, line, cells, form, types)
            line = reader.line_num + 1
    except csv.Error as error:
        raise _refused(name, f"cannot be read as CSV ({error}); check the double quotes", line) from error
    return found


def _decoded(name: str, content: bytes, form: Format) -> str:
    try:
        if name.lower().endswith(".gz"):
            content = gzip.decompress(content)
        return content.decode(form.encoding)
    except (OSError, EOFError, zlib.error) as error:
        raise _refused(name, f"is not a complete gzip file ({error}); export it again") from error
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        raise _refused(name, f"is not {form.encoding} text; set encoding to the file's", row) from error


def _add_csv_row(found: SideFile, line: int, cells: Sequence[str], form: Format, types: Types) -> None:
    if len(cells) != len(found.header):
        found.add(
            line,
            None,
            f"has {len(cells)} fields, the header has {len(found.header)}; put values that contain '{form.delimiter}' "
            "or a line break in double quotes, or set delimiter",
        )
        return
    row = {}
    for column, text in zip(found.header, cells, strict=True):
        kind = types.get(column)
        if kind == "decimal" and form.decimal == "," and text and not _WITH_COMMA.fullmatch(text):
            found.add(
                line, column, f"'{text}' is not a number with a decimal comma; write 1234,56 or 1.234,56"
            )
            text = ""
        row[column] = _csv_text(text, form, kind)
    found.rows.append((line, row))


def _csv_text(text: str, form: Format, kind: ColumnType | None) -> str:
    """Return a cell in the spelling that landing reads; a day that is not as the format says is refused there."""
    if kind == "decimal" and form.decimal == ",":
        # A point groups thousands here.
        return text.replace(".", "").replace(",", ".")
    if kind == "date" and form.date_format and text:
        try:
            return datetime.strptime(text, form.date_format).date().isoformat()
        except ValueError:
            return text
    return text


def _read_excel(name: str, content: bytes, form: Format, types: Types) -> SideFile:
    try:
        values = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        formulas = load_workbook(io.BytesIO(content), read_only=True, data_only=False)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise _refused(name, f"cannot be read as an Excel file ({error}); save it as .xlsx") from error
    if form.sheet and form.sheet not in values.sheetnames:
        raise _refused(name, f"has no sheet '{form.sheet}'; it has {', '.join(values.sheetnames)}")
    sheet = form.sheet or values.sheetnames[0]
    found = SideFile(name, [])
    for book in (values, formulas):
        # Some programs write a wrong extent of the sheet; what lies beyond it would be passed over.
        book[sheet].reset_dimensions()
    pairs = zip(values[sheet].iter_rows(), formulas[sheet].iter_rows(), strict=True)
    for line, (cells, written) in enumerate(pairs, start=1):
        if line == form.header_row:
            found.header = ["" if cell.value is None else str(cell.value).strip() for cell in cells]
        elif line > form.header_row and any(cell.value is not None for cell in written):
            _add_excel_row(found, line, list(zip(cells, written, strict=True)), form, types)
    return found


def _add_excel_row(
    found: SideFile, line: int, cells: Sequence[tuple[Any, Any]], form: Format, types: Types
) -> None:
    row = {}
    for position, (cell, written) in enumerate(cells):
        column = found.header[position] if position < len(found.header) else ""
        if not column:
            if written.value is not None:
                found.add(
                    line,
                    None,
                    f"there is a value in column {position + 1}, which has no name; name the column",
                )
        elif cell.data_type == "e":
            found.add(line, column, f"the cell shows {cell.value}; fix its formula and save the file again")
        elif cell.value is None and str(written.value or "").startswith("="):
            found.add(
                line, column, "the formula has no result in the file; open it in Excel and save it again"
            )
        else:
            row[column] = _cell_text(found, line, column, cell.value, form, types)
            if types.get(column, "text") == "text" and _is_number(cell.value):
                row[column] = _shown_text(found, line, column, cell, row[column], is_declared=column in types)
    found.rows.append((line, row))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shown_text(found: SideFile, line: int, column: str, cell: Any, text: str, *, is_declared: bool) -> str:
    """Return a number in a column of text as the sheet shows it: 123 with the number format 00000 is 00123.

    Only leading zeros are part of an id. A number format that adds other characters is refused in a declared column.
    """
    shown = _FIRST_SECTION.match(str(cell.number_format or "General"))
    code = shown[0] if shown else "General"
    if abs(cell.value) >= _EXCEL_EXACT and is_declared:
        message = (
            f"{text} has more than the 15 digits that Excel keeps, so its end is lost; format the column as text and "
            "enter the ids again"
        )
        found.add(line, column, message)
    elif re.fullmatch(r"0+", code) and re.fullmatch(r"-?[0-9]+", text):
        return ("-" if text.startswith("-") else "") + text.removeprefix("-").zfill(len(code))
    elif is_declared and ("00" in code.partition(".")[0] or _LITERAL.search(code)):
        message = (
            f"the cell holds {text} and shows it by the number format {code}; format the column as text and enter what is "
            "shown, or give it the number format 0 if the bare number is meant"
        )
        found.add(line, column, message)
    return text


def _cell_text(found: SideFile, line: int, column: str, value: Any, form: Format, types: Types) -> str:
    """Return a value of Excel or Parquet as text."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            return _number_text(found, line, column, repr(value))
        case Decimal():
            return format(value, "f")
        case datetime():
            return _instant_text(value, form, types.get(column))
        case date() | time():
            return value.isoformat()
    return str(value)


def _number_text(found: SideFile, line: int, column: str, written: str) -> str:
    try:
        number = Decimal(written)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        found.add(line, column, f"{written} is not a number; correct it, or leave the cell empty")
        return ""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _instant_text(value: datetime, form: Format, kind: ColumnType | None) -> str:
    if value.tzinfo is None and value.time() == time() and kind != "timestamp":
        return value.date().isoformat()
    if value.tzinfo is None and form.time_zone:
        value = value.replace(tzinfo=ZoneInfo(form.time_zone))
    return value.isoformat()


def _read_parquet(name: str, content: bytes, form: Format, types: Types) -> SideFile:
    try:
        table = pq.read_table(pa.BufferReader(content))
    except (pa.ArrowInvalid, OSError) as error:
        raise _refused(name, f"cannot be read as Parquet ({error}); write it again") from error
    found = SideFile(name, list(table.column_names))
    floats = {column.name for column in table.schema if pa.types.is_floating(column.type)}
    # Arrow writes the shortest text that stands for the number, for 32 bits too.
    exact = {
        column: table[column].cast(pa.string()) if column in floats else table[column]
        for column in found.header
    }
    for line, record in enumerate(pa.table(exact).to_pylist(), start=1):
        row = {}
        for column, value in record.items():
            if column in floats and value is not None:
                row[column] = _number_text(found, line, column, value)
            else:
                row[column] = _cell_text(found, line, column, value, form, types)
        found.rows.append((line, row))
    return found
