"""The fast reader gives the table of the careful one, or leaves the file to it; it never passes what is wrong."""

import gzip
import random

import pytest

from ingestion.landing.files import ExtractFile, locate, open_extract, read_rows
from ingestion.landing.settings import SAMPLE_DIR
from ingestion.landing.tables import Table, amount, day, flag, instant, rate, text, whole
from ingestion.landing.vectorised import read_fast
from ingestion.registry import FILE_SYSTEMS
from tests.ingestion.faulty_files import CASES, GOOD, HEADER, HEADERS

TABLE = Table(
    "t",
    (*text("id", "name"), *amount("a"), *rate("r"), *day("d"), *instant("i"), *flag("f"), *whole("n")),
    ("id",),
)
TOP = "id,name,a,r,d,i,f,n"
ROW = dict(
    zip(
        TOP.split(","),
        ("1", "x", "1.50", "0.5", "2012-02-29", "2012-02-29T01:02:03Z", "true", "7"),
        strict=True,
    )
)
PAYMENTS = next(table for table in FILE_SYSTEMS["billing"].tables if table.name == "payments")


def agree(content: bytes, table: Table = TABLE, file: str = "x/t.csv") -> bool:
    """Check that both readers say the same; return whether the fast one has read the file."""
    extract = ExtractFile(file, content, "")
    fast, careful = read_fast(extract, table), read_rows(extract, table)
    if fast is not None:
        assert careful.problems == []
        assert careful.rows is not None
        assert fast.schema == careful.rows.schema
        assert fast.equals(careful.rows)
    return fast is not None


def file_of(*rows: dict[str, str], top: str = TOP) -> bytes:
    lines = [",".join((ROW | {"id": str(number)} | row).values()) for number, row in enumerate(rows)]
    return "\n".join([top, *lines, ""]).encode()


CELLS = {
    "a": "0 -0 0.0 -0.00 -1 -1.50 01 007.10 +1 .5 5. 1.123456789 1.1234567800 1.00000000000 1e5 NaN inf 12,5 1_000 ١ 1٫5 "
    "123456789012345678 1234567890123456789 12345678901234567890 123456789012345678901 99999999999999999999.99999999 --1 1.2.3 ' 1",
    "r": "0.1234567891 0.12345678912 1 999999999999999999 1234567890123456789",
    "d": "2012-02-29 2011-02-29 2012-02-30 2012-13-01 2012-00-10 2012-1-1 0000-01-01 0001-01-01 9999-12-31 1582-10-10 12012-01-01 "
    "20120101 31/01/2012 2012-01-31T00:00:00Z 2012-01-3١ 2012-W01-1",
    "i": "2012-02-29T01:02:03Z 2012-02-29T01:02:03 2012-02-29T01:02:03+02:00 2012-02-29T01:02:03.5Z 2012-02-29T01:02:03.123456Z "
    "2012-02-29T01:02:03.1234567Z 2012-02-30T00:00:00Z 2012-02-29T24:00:00Z 2012-02-29T23:59:60Z 2012-02-29T23:60:00Z "
    "0000-01-01T00:00:00Z 0001-01-01T00:00:00Z 9999-12-31T23:59:59Z 1677-01-01T00:00:00Z 2262-12-31T00:00:00Z "
    "2012-02-29T01:02Z 2012-02-29T01Z 2012-02-29t01:02:03z 2012-02-29 2012-02-29T01:02:03ZZ",
    "f": "true false TRUE False t 1 yes tRUE trUe\u0130 fal\u017fe",
    "n": "0 -0 -1 1 01 1.0 +1 123456789012345678 1234567890123456789 9223372036854775808 ١ 1e3",
    "name": "\u00a0 \u2028 \x1c \x0b \x0c \x85 e\u0301 \U0001f600 =1 ; : a:b;c NULL null NA nan #N/A \\ \\n \\\"x 'x' \ufeff \ufffd",
    "id": "null NULL \u0130 " + "x" * 200,
}  # fmt: skip


@pytest.mark.parametrize("column", CELLS)
def test_each_cell_is_read_alike_or_left(column: str) -> None:
    for cell in ["", " ", " 1", "1 ", " x ", *CELLS[column].split(" ")]:
        # Alone, beside a usual one, and beside an empty one.
        agree(file_of({column: cell}))
        agree(file_of({}, {column: cell}))
        agree(file_of({column: ""} if column != "id" else {}, {column: cell}, {}))


def test_usual_cells_are_read_fast() -> None:
    usual = {
        "name": ("x", "", "née", "a;b"), "a": ("1", "1.50", "-0.00", "0", ""), "r": ("0.05", ""), "d": ("2012-02-29", ""),
        "i": ("2012-02-29T01:02:03Z", "2012-02-29 01:02:03Z", ""), "f": ("true", "FALSE", ""), "n": ("-1", "0", ""),
    }  # fmt: skip
    for column, cells in usual.items():
        assert agree(file_of(*({column: cell} for cell in cells))), column
    assert agree(b"\xef\xbb\xbf" + file_of({}, {}))
    assert agree(file_of({}, {}).rstrip(b"\n"))
    assert agree(file_of({"name": '"a, ""b"""'}, {"name": '"two\nlines"'}, {}))
    assert agree(file_of({}, {}).replace(b"\n", b"\r\n"))
    assert agree(file_of({"i": "2012-02-29T01:02:03.5+02:00"}, {"a": "007.10"})), (
        "by the careful reader's conversion"
    )
    assert agree(file_of({}, {}, top=TOP).replace(b"\n", b",more\n"), TABLE)


GOOD_FILE = file_of({}, {"name": "é"}, {})
FILES = {
    "empty": b"", "a line feed": b"\n", "a mark alone": b"\xef\xbb\xbf", "the header alone": TOP.encode(),
    "the header and a line feed": TOP.encode() + b"\n",
    "a blank first line": b"\n" + GOOD_FILE, "a blank line": GOOD_FILE.replace(b"\n", b"\n\n", 2), "blank lines behind": GOOD_FILE + b"\n\n",
    "a line of spaces": GOOD_FILE + b"  \n", "a lone carriage return": GOOD_FILE.replace(b"\n", b"\r", 2),
    "mixed line ends": GOOD_FILE.replace(b"\n", b"\r\n", 1), "a zero byte": GOOD_FILE.replace(b"x", b"\0"),
    "two marks": b"\xef\xbb\xbf" * 2 + GOOD_FILE, "a field too few": GOOD_FILE.replace(b",x,", b",", 1),
    "a field too many": GOOD_FILE.replace(b",x,", b",x,y,", 1), "an open quote": GOOD_FILE.replace(b"x", b'"x', 1),
    "text behind a quote": GOOD_FILE.replace(b"x", b'"x"y', 1), "a quote inside": GOOD_FILE.replace(b"x", b'x"y', 1),
    "a key twice": file_of({}, {"id": "0"}), "an empty key": file_of({}, {"id": ""}),
    "a column twice": GOOD_FILE.replace(b"name", b"id", 1), "a column twice in other case": GOOD_FILE.replace(b"name", b"ID", 1),
    "a column without name": GOOD_FILE.replace(b"name", b"", 1), "a reserved name": GOOD_FILE.replace(b"name", b"_dlt_id", 1),
    "a column missing": GOOD_FILE.replace(b"name", b"nome", 1), "a tab as separator": GOOD_FILE.replace(b",", b"\t"),
    "a semicolon as separator": GOOD_FILE.replace(b",", b";"), "not UTF-8": GOOD_FILE.replace(b"x", b"\xff"),
    "a surrogate": GOOD_FILE.replace(b"x", b"\xed\xa0\x80"), "an overlong form": GOOD_FILE.replace(b"x", b"\xc0\xaf"),
    "UTF-16": GOOD_FILE.decode().encode("utf-16"), "a field longer than the reader takes": GOOD_FILE.replace(b"x", b"y" * 200_000),
    "a field as long as the reader takes": GOOD_FILE.replace(b"x", b"y" * 131_072, 1), "a backslash": GOOD_FILE.replace(b"x", b"x\\"),
    "cut in a line": GOOD_FILE[:-9], "cut in a letter": GOOD_FILE[: GOOD_FILE.index("é".encode()) + 1], "gzip": gzip.compress(GOOD_FILE),
    "a form feed at an end": GOOD_FILE.replace(b"\n", b"\x0c\n"), "a comment": b"# made by x\n" + GOOD_FILE,
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_tricky_file_is_read_alike_or_left(name: str) -> None:
    agree(FILES[name])


@pytest.mark.parametrize("case", [*CASES, *HEADERS])
def test_what_the_landing_refuses_is_left(case: str) -> None:
    content = (
        b"\n".join([HEADER, *CASES[case][0]]) if case in CASES else HEADERS[case][0] + b"\n" + GOOD
    ) + b"\n"
    assert not agree(content, PAYMENTS, "billing/payments.csv")


def test_keys_of_several_columns_are_compared_together() -> None:
    table = Table("t", TABLE.columns, ("name", "a"))
    assert agree(file_of({"a": "1"}, {"a": "2"}, {"a": "1", "name": "y"}), table)
    assert not agree(file_of({"a": "1"}, {"a": "2"}, {"a": "1.0"}), table), "1 and 1.0 are one key"
    assert not agree(file_of({"a": "0"}, {"a": "-0"}), table)


@pytest.mark.parametrize("system", FILE_SYSTEMS)
def test_the_sample_is_read_alike(system: str) -> None:
    for table in FILE_SYSTEMS[system].tables:
        path, file = locate(SAMPLE_DIR, system, table)
        assert path
        content = open_extract(path, file, table).content
        assert agree(content, table, file) == (content.count(b"\n") > 1)


def test_files_damaged_at_random_are_read_alike_or_left() -> None:
    chance = random.Random(7)
    marks = [*b'",\n\r\0-.0 9TZ:x\\\xc3\xa9', *range(0, 256, 13)]
    for _ in range(1500):
        content = bytearray(GOOD_FILE)
        for _ in range(chance.randint(1, 3)):
            place = chance.randrange(len(content))
            content[place : place + chance.randint(0, 1)] = bytes([chance.choice(marks)])
        agree(bytes(content))
