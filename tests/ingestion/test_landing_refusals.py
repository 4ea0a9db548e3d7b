"""A file that cannot be right is refused before anything is written, and the message says what to do."""

import gzip
import subprocess
import sys
from pathlib import Path

import pytest

from ingestion.landing.files import InputError
from ingestion.landing.settings import PROJECT_ROOT as ROOT
from ingestion.load import (
    TableResult,
    WarehouseBusyError,
    check_inputs,
    exclusive,
    load_system,
    table_counts,
)
from tests.ingestion.faulty_files import CASES, HEADER, HEADERS
from tests.support.companies.landed_company import Company


@pytest.mark.parametrize("case", CASES)
def test_a_faulty_row_is_named_with_its_fix(company: Company, case: str) -> None:
    lines, message = CASES[case]
    company.path("billing", "payments").write_bytes(b"\n".join([HEADER, *lines]) + b"\n")
    with pytest.raises(InputError) as refused:
        company.load("billing")
    assert message in str(refused.value)
    assert {count.live for count in table_counts("billing", company.settings).values()} == {0}


@pytest.mark.parametrize("case", HEADERS)
def test_a_faulty_header_is_named_with_its_fix(company: Company, case: str) -> None:
    header, message = HEADERS[case]
    company.path("billing", "payments").write_bytes(header + b"\n" if header else b"")
    with pytest.raises(InputError) as refused:
        company.load("billing")
    assert message in str(refused.value)


@pytest.mark.usefixtures("billing_landed")
def test_problems_of_all_files_come_at_once_and_nothing_is_written(company: Company) -> None:
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


@pytest.mark.usefixtures("billing_landed")
def test_a_truncated_file_is_refused_unless_it_is_allowed(company: Company) -> None:
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


@pytest.mark.usefixtures("billing_landed")
def test_a_vanished_file_is_refused_unless_it_is_allowed(company: Company) -> None:
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


@pytest.mark.usefixtures("billing_landed")
def test_a_warehouse_that_is_open_elsewhere_is_named(company: Company) -> None:
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
