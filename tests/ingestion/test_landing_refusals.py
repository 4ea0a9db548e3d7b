"""A file that cannot be right is refused before anything is written, and the message says what to do."""

import gzip
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, Company

from ingestion.landing.files import InputError
from ingestion.load import (
    TableResult,
    WarehouseBusyError,
    check_inputs,
    exclusive,
    load_system,
    table_counts,
)

HEADER = b"payment_id,invoice_id,opportunity_id,kind,paid_date,currency_code,amount,updated_at"
GOOD = b"P1,INV-1,SO1,payment,2012-01-31,USD,10.5000,2012-01-31T00:00:00Z"


def line(**changed: str) -> bytes:
    """Return the good line with some fields changed."""
    fields = dict(zip(HEADER.decode().split(","), GOOD.decode().split(","), strict=True))
    return ",".join((fields | changed).values()).encode()


CASES = {
    "not a number": (
        [GOOD, line(payment_id="P2", amount="abc")],
        "billing/payments.csv row 3 column amount: 'abc' is not a decimal number; write digits",
    ),
    "decimal comma": (
        [line(amount='"12,5"')],
        "billing/payments.csv row 2 column amount: '12,5' is not a decimal number; write 12.5",
    ),
    "thousands": (
        [line(amount='"1,234.50"')],
        "row 2 column amount: '1,234.50' is not a decimal number; write 1234.50",
    ),
    "currency sign": ([line(amount="$7")], "row 2 column amount: '$7' is not a decimal number; write 7"),
    "exponent": ([line(amount="1e5")], "row 2 column amount: '1e5' is not a decimal number"),
    "not a number at all": ([line(amount="NaN")], "row 2 column amount: 'NaN' is not a decimal number"),
    "too many decimals": (
        [line(amount="1.123456789")],
        "row 2 column amount: '1.123456789' has 9 decimals, the column holds 8; round it at the source",
    ),
    "too large": ([line(amount="1" + "0" * 20)], "has more than 20 digits before the decimal point"),
    "bad date": (
        [line(paid_date="31/01/2012")],
        "row 2 column paid_date: '31/01/2012' is not a date; write YYYY-MM-DD",
    ),
    "no such day": (
        [line(paid_date="2012-02-30")],
        "row 2 column paid_date: '2012-02-30' is not a date of the calendar",
    ),
    "no time zone": (
        [line(updated_at="2012-01-31T00:00:00")],
        "column updated_at: '2012-01-31T00:00:00' has no time zone; write 2012-01-31T00:00:00Z if it is UTC",
    ),
    "not an instant": (
        [line(updated_at="2012-01-31")],
        "'2012-01-31' is not an instant; write YYYY-MM-DDThh:mm:ssZ",
    ),
    "empty key": ([GOOD, line(payment_id="")], "row 3 column payment_id: the key is empty; fill it"),
    "key twice": (
        [GOOD, line(payment_id="P2"), line(amount="11")],
        "row 4 column payment_id: 'P1' is the key of row 2 as well; keep one of the two rows",
    ),
    "field too many": (
        [GOOD + b",more"],
        "row 2: has 9 fields, the header has 8; put values that contain a comma",
    ),
    "open quote": ([GOOD, line(payment_id='"P2')], "row 3: cannot be read as CSV"),
    "not UTF-8": ([GOOD, line(payment_id="P2").replace(b"INV", b"\xff")], "row 3: is not UTF-8 text"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_faulty_row_is_named_with_its_fix(company: Company, case: str) -> None:
    lines, message = CASES[case]
    company.path("billing", "payments").write_bytes(b"\n".join([HEADER, *lines]) + b"\n")
    with pytest.raises(InputError) as refused:
        company.load("billing")
    assert message in str(refused.value)
    assert {count.live for count in table_counts("billing", company.settings).values()} == {0}


HEADERS = {
    "column missing": (
        HEADER.replace(b",amount", b""),
        "row 1 column amount: the column is missing; add the column amount to the export",
    ),
    "column renamed in case": (
        HEADER.replace(b"amount", b"Amount"),
        "row 1 column amount: the column is missing; the file has 'Amount'; rename it",
    ),
    "column twice": (HEADER + b",KIND", "row 1 column KIND: the name is there twice (also 'kind'); keep one"),
    "column without name": (HEADER + b",", "row 1: a column has no name"),
    "reserved name": (
        HEADER + b",_row_hash",
        "row 1 column _row_hash: the name is used by the landing itself",
    ),
    "empty file": (b"", "row 1: is empty; it needs at least the line with the column names"),
}


@pytest.mark.parametrize("case", HEADERS)
def test_a_faulty_header_is_named_with_its_fix(company: Company, case: str) -> None:
    header, message = HEADERS[case]
    company.path("billing", "payments").write_bytes(header + b"\n" if header else b"")
    with pytest.raises(InputError) as refused:
        company.load("billing")
    assert message in str(refused.value)


def test_problems_of_all_files_come_at_once_and_nothing_is_written(company: Company) -> None:
    company.load("billing")
    before = table_counts("billing", company.settings)
    company.edit("billing", "invoices", lambda rows: rows[0].update(total_amount="x"))
    company.edit("billing", "payments", lambda rows: rows[1].update(paid_date="never"))
    company.edit("billing", "payments", lambda rows: rows[2].update(currency_code="new, valid"))
    with pytest.raises(InputError) as refused:
        company.load("billing")
    assert [(problem.file, problem.row, problem.column) for problem in refused.value.problems] == [
        ("billing/invoices.csv", 2, "total_amount"),
        ("billing/payments.csv", 3, "paid_date"),
    ]
    assert table_counts("billing", company.settings) == before


def test_a_long_list_of_problems_is_cut(company: Company) -> None:
    company.edit("billing", "payments", lambda rows: [row | {"amount": "x"} for row in rows])
    problems = [
        problem for problem in check_inputs(company.settings.extracts) if problem.file.startswith("billing")
    ]
    assert len(problems) == 20
    with pytest.raises(InputError, match=r"\.\.\. and \d+ more"):
        company.load("billing")


def test_the_preflight_writes_nothing_and_names_missing_files(company: Company) -> None:
    problems = check_inputs(company.settings.extracts)
    assert {problem.file.split("/")[0] for problem in problems} == {"crm", "fx", "maven_crm"}
    assert "crm/Opportunity.csv: the file is missing; export the table" in str(problems[0])
    assert not company.settings.home.exists()


def test_a_truncated_file_is_refused_unless_it_is_allowed(company: Company) -> None:
    company.load("billing")
    company.edit("billing", "invoices", lambda rows: rows[:40])
    with pytest.raises(InputError) as refused:
        company.load("billing")
    assert (
        "billing/invoices.csv: the file has 40 rows, the last load had 60: 20 rows would be retired, "
        "more than the 10.00 % allowed; if the export is complete, "
        "set COMMISSIONS_ALLOW_SHRINK=billing.invoices"
    ) in str(refused.value)
    assert table_counts("billing", company.settings)["invoices"].live == 60
    result = company.load("billing", allow_shrink=frozenset({"billing.invoices"}))
    assert result.tables["invoices"] == TableResult(40, 0, 20, 40)


def test_a_few_rows_may_always_go(company: Company) -> None:
    company.load("hris")
    company.edit("hris", "territory_history", lambda rows: rows[:10])
    assert company.load("hris").tables["territory_history"] == TableResult(10, 0, 5, 10)
    company.edit("hris", "employees", lambda rows: rows[:-29])
    assert company.load("hris").tables["employees"].retired == 29, "29 of 290 is 10 %, which is allowed"


def test_a_vanished_file_is_refused_unless_it_is_allowed(company: Company) -> None:
    company.load("billing")
    company.path("billing", "payments").unlink()
    with pytest.raises(
        InputError, match=r"billing/payments\.csv: the file has vanished, the last load had 78 rows"
    ):
        company.load("billing")
    result = company.load("billing", allow_shrink=frozenset({"billing.payments"}))
    assert [notice for notice in result.notices if "billing/payments.csv: the file is absent" in notice]
    assert result.tables["payments"].retired == 0, "the rows of the last load stay in force"


def test_two_forms_of_one_file_are_refused(company: Company) -> None:
    path = company.path("billing", "payments")
    Path(f"{path}.gz").write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(InputError, match=r"there is a \.csv and a \.csv\.gz; keep the one that is current"):
        company.load("billing")


def test_a_damaged_gzip_file_is_refused(company: Company) -> None:
    path = company.path("billing", "payments")
    Path(f"{path}.gz").write_bytes(gzip.compress(path.read_bytes())[:-200])
    path.unlink()
    with pytest.raises(InputError, match="is not a complete gzip file"):
        company.load("billing")


def test_a_warehouse_that_is_open_elsewhere_is_named(company: Company) -> None:
    company.load("billing")
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(1, flush=True); sys.stdin.read()",
            str(company.settings.warehouse),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout and holder.stdin
    holder.stdout.readline()
    try:
        with pytest.raises(WarehouseBusyError, match="is open in another process"):
            company.load("billing")
    finally:
        holder.stdin.close()
        holder.wait()
    with exclusive(company.settings), pytest.raises(WarehouseBusyError, match="another load is running"):
        company.load("billing")


def test_an_unknown_system_is_named(company: Company) -> None:
    with pytest.raises(KeyError, match="unknown source system 'crn'; known are: crm"):
        load_system("crn", company.settings)


def test_the_command_line_reports_and_fails_with_status_1(company: Company) -> None:
    environment = {
        "PATH": "/usr/bin:/bin",
        "COMMISSIONS_HOME": str(company.settings.home),
        "COMMISSIONS_EXTRACTS": str(company.settings.extracts),
    }
    command = [sys.executable, "-m", "ingestion", "billing"]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "raw_billing.invoices" in run.stdout
    company.edit("billing", "payments", lambda rows: rows[0].update(amount="x"))
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (run.returncode, "Traceback" in run.stderr) == (1, False)
    assert "billing/payments.csv row 2 column amount: 'x' is not a decimal number" in run.stderr
