"""Side sources by pattern, in all three formats: exact values, versions, and every fault by file, row and column."""

import gzip
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook

from ingestion.api.alerts import SchemaAlert
from ingestion.api.config import ConfigError
from ingestion.checks import check_sources, render_findings
from ingestion.landing.files import InputError
from ingestion.landing.settings import Settings
from ingestion.load import LoadResult, TableResult, load_system
from ingestion.registry import configured_systems, source_systems

CSV = "payee_id,month,quota\nana,2024-01-01,1000.10\nben,2024-01-01,0.3\n"


@dataclass
class Company:
    """A folder of side files, and the warehouse they land in."""

    home: Path

    @property
    def folder(self) -> Path:
        return self.home / "files"

    @property
    def settings(self) -> Settings:
        return Settings(home=self.home / "home", extracts=self.home, sources=self.home / "sources.toml")

    def configure(
        self, glob: str, more: str = "", columns: str = "quota = 'decimal', month = 'date'"
    ) -> None:
        (self.home / "sources.toml").write_text(
            f'[side]\nconnector = "patterns"\n[side.options]\nfolder = "{self.folder}"\n'
            f'[side.tables.quotas]\nkey = ["payee_id", "month"]\ncolumns = {{ {columns} }}\n'
            f'[side.tables.quotas.options]\nglob = "{glob}"\n{more}\n'
        )

    def write(self, name: str, content: str | bytes) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def sheet(
        self,
        name: str,
        rows: list[list[Any]],
        sheet: str = "Quotas",
        formats: Mapping[str, str] | None = None,
    ) -> None:
        book = Workbook()
        book.active.title = "Read me"
        page = book.create_sheet(sheet)
        for row in rows:
            page.append(row)
        for cell, code in (formats or {}).items():
            page[cell].number_format = code
        self.folder.mkdir(parents=True, exist_ok=True)
        book.save(self.folder / name)

    def load(self) -> LoadResult:
        return load_system(source_systems(self.settings)["side"], self.settings)

    def check(self) -> str:
        return render_findings(check_sources(configured_systems(self.settings), self.settings))

    def live(self, columns: str = "payee_id, month, quota") -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as connection:
            connection.execute("set TimeZone = 'UTC'")
            return connection.execute(
                f"select {columns} from raw_side.quotas where _dlt_valid_to is null order by all"
            ).fetchall()

    def refused(self, error: type[Exception] = InputError) -> str:
        with pytest.raises(error) as caught:
            self.load()
        return str(caught.value)


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return Company(tmp_path)


JANUARY = [("ana", date(2024, 1, 1), Decimal("1000.10")), ("ben", date(2024, 1, 1), Decimal("0.3"))]


def test_csv_files_of_a_pattern_are_one_table(company: Company) -> None:
    company.configure("**/quotas_*.csv*")
    company.write("2024/quotas_1.csv", CSV)
    company.write(
        "2024/quotas_2.csv.gz", gzip.compress(b"\xef\xbb\xbfpayee_id,month,quota\nana,2024-02-01,2000\n")
    )
    company.write("2024/notes.csv", "nothing\nof this\n")
    company.load()
    assert company.live() == [JANUARY[0], ("ana", date(2024, 2, 1), Decimal(2000)), JANUARY[1]]


def test_a_european_csv_is_read_as_its_options_say(company: Company) -> None:
    options = (
        'delimiter = ";"\ndecimal = ","\ndate_format = "%d.%m.%Y"\nencoding = "cp1252"\nheader_row = 3\n'
    )
    company.configure("*.csv", options)
    company.write(
        "q.csv",
        "Zielvorgaben für Köln\n\npayee_id;month;quota\nana;01.01.2024;1.000,10\nben;01.01.2024;0,3\n".encode(
            "cp1252"
        ),
    )
    company.load()
    assert company.live() == JANUARY


def test_excel_cells_become_exact_values(company: Company) -> None:
    company.configure("*.xlsx", 'sheet = "Quotas"\nheader_row = 2\n')
    company.sheet(
        "q.xlsx",
        [
            ["Quotas 2024"], ["payee_id", "month", "quota", "hired", "active"],
            ["ana", datetime(2024, 1, 1), 1000.10, datetime(2020, 5, 4), True],
            [None, None, None, None, None],
            ["ben", date(2024, 1, 1), 0.123456789, None, False],
            [7, "2024-01-01", 12, None, None],
        ],
    )  # fmt: skip
    assert "column quota: '0.123456789' has 9 decimals" in company.refused()
    company.sheet(
        "q.xlsx",
        [
            ["Quotas 2024"], ["payee_id", "month", "quota", "hired", "active"],
            ["ana", datetime(2024, 1, 1), 1000.10, datetime(2020, 5, 4), True],
            ["ben", date(2024, 1, 1), 0.3, None, False], [7, "2024-01-01", 12, None, None],
        ],
    )  # fmt: skip
    company.load()
    assert company.live("payee_id, month, quota, hired, active") == [
        ("7", date(2024, 1, 1), Decimal(12), None, None),
        ("ana", date(2024, 1, 1), Decimal("1000.10"), "2020-05-04", "true"),
        ("ben", date(2024, 1, 1), Decimal("0.3"), None, "false"),
    ]


def test_parquet_columns_become_exact_values(company: Company) -> None:
    columns = "quota = 'decimal', month = 'date', share = 'decimal', seen = 'timestamp', count = 'bigint'"
    company.configure("*.parquet", 'time_zone = "Europe/Berlin"\n', columns)
    company.folder.mkdir()
    table = pa.table(
        {
            "payee_id": ["ana", "ben"],
            "month": pa.array([date(2024, 1, 1)] * 2),
            "quota": pa.array([Decimal("1000.10"), Decimal("0.30")], pa.decimal128(10, 2)),
            "share": pa.array([0.1, None], pa.float32()),
            "seen": pa.array([datetime(2024, 7, 1, 12), None], pa.timestamp("us")),
            "count": pa.array([3, None], pa.int64()),
        }
    )
    pq.write_table(table, company.folder / "q.parquet")
    company.load()
    assert company.live() == JANUARY
    # 12:00 in Berlin in July is 10:00 UTC.
    assert company.live("share, seen, count")[0] == (Decimal("0.1"), datetime(2024, 7, 1, 10, tzinfo=UTC), 3)


def test_changed_and_vanished_rows_become_versions(company: Company) -> None:
    company.configure("*.csv")
    company.write("a.csv", CSV)
    company.write("copy of a.csv", CSV)
    company.load()
    assert company.live() == JANUARY, "the same rows in two files count once"
    assert company.load().load_ids == ()
    (company.folder / "copy of a.csv").unlink()
    company.write("a.csv", CSV.replace("1000.10", "1000.20") + "cleo,2024-01-01,5\n")
    assert company.load().tables["quotas"] == TableResult(3, 2, 0, 3)


def test_equal_rows_of_one_file_are_refused_until_repeats_are_meant(company: Company) -> None:
    twice = CSV + "ana,2024-01-01,1000.10\n"
    company.configure("*.csv")
    company.write("a.csv", twice)
    said = company.refused()
    assert "a.csv row 4: is equal to row 2; delete one of them, or set repeats_are_meant = true" in said
    company.configure("*.csv", "repeats_are_meant = true\n")
    company.write("copy of a.csv", twice)
    company.load()
    assert company.live("payee_id, quota, repeat_number") == [
        ("ana", Decimal("1000.10"), 1), ("ana", Decimal("1000.10"), 2), ("ben", Decimal("0.3"), 1)
    ], "both rows of a file count, and once across files"  # fmt: skip
    company.write("a.csv", CSV)
    company.write("copy of a.csv", CSV)
    assert company.load().tables["quotas"] == TableResult(2, 0, 1, 2)
    company.write("a.csv", CSV + "ana,2024-01-01,1000.20\n")
    (company.folder / "copy of a.csv").unlink()
    assert (
        "a.csv row 4 column payee_id + month + repeat_number: 'ana, 2024-01-01, 1' is the key of row 2"
        in (company.refused())
    ), "other contents are no repeat"


def test_an_id_of_excel_lands_as_it_is_shown_or_is_refused(company: Company) -> None:
    company.configure("*.xlsx", 'sheet = "Quotas"\n')

    def loaded(*ids: tuple[object, str]) -> list[Any]:
        rows = [["payee_id", "month", "quota", "note"]]
        rows += [[one, date(2024, 1, number), 1, 7] for number, (one, _) in enumerate(ids, start=1)]
        formats = {f"A{number}": code for number, (_, code) in enumerate(ids, start=2)}
        company.sheet("q.xlsx", rows, formats=formats | {"D2": "000", "C2": "0.00"})
        company.load()
        return company.live("payee_id, note")

    assert loaded((123, "00000"), (45.0, "00000"), ("00067", "@"), (8, "General"), (9, "0")) == [
        ("00045", "7"), ("00067", "7"), ("00123", "007"), ("8", "7"), ("9", "7"),
    ]  # fmt: skip
    for number, code, told in (
        (123, "000-000", "holds 123 and shows it by the number format 000-000"),
        (123, '"E-"0', 'holds 123 and shows it by the number format "E-"0'),
        (123.5, "00000", "holds 123.5 and shows it by the number format 00000"),
        (1234567890123456, "0", "has more than the 15 digits that Excel keeps"),
    ):
        with pytest.raises(InputError) as caught:
            loaded((number, code))
        assert (
            f"q.xlsx row 2 column payee_id: {'the cell ' if 'holds' in told else str(number) + ' '}{told}"
            in str(caught.value)
        )


def test_a_number_that_the_source_computes_is_rounded_only_where_that_is_declared(company: Company) -> None:
    company.configure("*.csv")
    company.write("a.csv", CSV.replace("0.3", "33.333333333333336"))
    assert (
        "a.csv row 3 column quota: '33.333333333333336' has 15 decimals, the column holds 8; round it at the source, or, "
        'where the source computes it, declare the column as "decimal 8 computed"' in company.refused()
    )
    company.configure("*.csv", columns="quota = 'decimal 2 computed', month = 'date'")
    company.write("a.csv", CSV.replace("0.3", "33.335").replace("1000.10", "-0.005"))
    company.write(
        "b.csv", "payee_id,month,quota\ncleo,2024-01-01,-0.0049999999999999999\ndan,2024-01-01,1.5e-3\n"
    )
    company.load()
    assert [quota for _, _, quota in company.live()] == [
        Decimal("-0.01"), Decimal("33.34"), Decimal("0.00"), Decimal("0.00"),
    ], "half away from zero"  # fmt: skip
    company.configure("*.csv", columns="quota = 'text computed', month = 'date'")
    with pytest.raises(ConfigError, match="the type 'text computed' of column quota is not known"):
        configured_systems(company.settings)


def test_a_later_file_corrects_an_earlier_one_only_where_that_is_said(company: Company) -> None:
    company.configure("*.csv")
    company.write("quotas_1.csv", CSV)
    company.write("quotas_2.csv", "payee_id,month,quota\nana,2024-01-01,7\n")
    said = company.refused()
    assert (
        "quotas_2.csv row 2 column payee_id + month: 'ana, 2024-01-01' is the key of row 2 of quotas_1.csv"
        in said
    )
    assert "last_file_wins" in said
    company.configure("*.csv", "last_file_wins = true\n")
    company.load()
    assert company.live()[0] == ("ana", date(2024, 1, 1), Decimal(7))
    company.write("quotas_2.csv", "payee_id,month,quota\nana,2024-01-01,7\nana,2024-01-01,8\n")
    assert (
        "quotas_2.csv row 3 column payee_id + month: 'ana, 2024-01-01' is the key of row 2 as well"
        in company.refused()
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("payee_id,month,quota\nana,2024-01-01,\"1,000\"\nben,2024-01-01,1\n", "q.csv row 2 column quota: '1,000' is not"),
        ("payee_id,month,quota\nana,2024-02-30,1\nben,2024-01-01,1\n", "q.csv row 2 column month: '2024-02-30' is not a date"),
        ("payee_id,month,quota\nana,2024-01-01\n", "q.csv row 2: has 2 fields, the header has 3"),
        ("payee_id,month,quota\nana,2024-01-01,1\n,2024-01-01,1\n", "q.csv row 3 column payee_id: the key is empty"),
        ("payee_id,month,quota,Quota\nana,2024-01-01,1,2\n", "q.csv row 1 column Quota: the name is there twice"),
        ("payee_id,month,quota\nana,2024-01-01,\"1\n", "q.csv row 2: cannot be read as CSV"),
        (b"payee_id,month,quota\nK\xf6ln,2024-01-01,1\n", "q.csv row 2: is not utf-8-sig text; set encoding"),
    ],
)  # fmt: skip
def test_a_fault_names_file_row_and_column_and_writes_nothing(
    company: Company, content: str | bytes, said: str
) -> None:
    company.configure("q.csv")
    company.write("q.csv", CSV)
    company.load()
    company.write("q.csv", content)
    assert said in company.refused()
    assert company.live() == JANUARY
    assert "PROBLEM" in company.check() and said in company.check()


def test_a_sheet_is_read_beyond_the_extent_that_it_claims(company: Company) -> None:
    company.configure("*.xlsx", 'sheet = "Quotas"\n')
    company.sheet(
        "q.xlsx",
        [
            ["payee_id", "month", "quota"],
            ["ana", date(2024, 1, 1), 1000.10],
            [],
            ["ben", date(2024, 1, 1), 0.3],
        ],
    )
    path = company.folder / "q.xlsx"
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, re.sub(rb'<dimension ref="[^"]*"', b'<dimension ref="A1"', part))
    company.load()
    assert company.live() == JANUARY


def test_excel_faults_name_the_cell(company: Company) -> None:
    company.configure("*.xlsx", 'sheet = "Quotas"\n')
    head = ["payee_id", "month", "quota"]
    company.sheet("q.xlsx", [head, ["ana", date(2024, 1, 1), "=1+1"]])
    assert "q.xlsx row 2 column quota: the formula has no result in the file" in company.refused()
    company.sheet("q.xlsx", [head, ["ana", date(2024, 1, 1), "#REF!"]])
    assert "q.xlsx row 2 column quota: the cell shows #REF!" in company.refused()
    company.sheet("q.xlsx", [head, ["ana", date(2024, 1, 1), 1, "a note"]])
    assert "q.xlsx row 2: there is a value in column 4, which has no name" in company.refused()
    company.sheet("q.xlsx", [head], sheet="Targets")
    assert "has no sheet 'Quotas'; it has Read me, Targets" in company.refused()
    company.write("q.xlsx", "no Excel")
    assert "q.xlsx: cannot be read as an Excel file" in company.refused()


def test_a_pattern_without_a_file_is_an_error(company: Company) -> None:
    company.configure("targets_*.csv")
    company.write("q.csv", CSV)
    assert "targets_*.csv: no file in" in company.refused()


def test_a_column_that_is_renamed_alerts(company: Company) -> None:
    company.configure("*.csv")
    company.write("q.csv", CSV)
    company.load()
    company.write("q.csv", CSV.replace("quota", "target"))
    assert "side.quotas.quota" in company.refused(SchemaAlert)
    company.write("r.csv", CSV.replace("2024-01", "2024-02"))
    assert "q.csv row 1 column quota: the column is missing here and is in other files" in company.refused()


OPTIONS: Mapping[str, str] = {
    "sheets = 'x'": "options.sheets is not known", "format = 'json'": "format must be one of",
    "decimal = ';'": "decimal must be", "time_zone = 'Mars/Base'": "time_zone is no time zone",
    "repeats_are_meant = 'no'": "repeats_are_meant must be true or false",
    "repeats_are_meant = true\nlast_file_wins = true": "exclude each other",
}  # fmt: skip


@pytest.mark.parametrize("written", OPTIONS)
def test_a_wrong_option_is_refused(company: Company, written: str) -> None:
    company.configure("*.csv", written)
    with pytest.raises(ConfigError, match=OPTIONS[written]):
        configured_systems(company.settings)
