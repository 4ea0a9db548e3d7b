"""2012 of the sample company, closed month by month: refunds after the payout, and a quota corrected in June.

Fourteen whole runs and a hundred actions take half an hour, so it runs on request only: `make year`. It prints the statements of
one payee in January, June and July.
"""

import csv
import gzip
import os
import shutil
from calendar import monthrange
from decimal import Decimal
from pathlib import Path

import pytest

from tests.support.companies.installation import ROOT, SAMPLE, Installation

pytestmark = pytest.mark.skipif("YEAR" not in os.environ, reason="half an hour; run it with: make year")

PAYEE = "275"
# The quarter before, closed by then: 550,000 was agreed as 250,000. He attained 442,816.4873 in it.
WRONG, RIGHT = (f"Quota,payee,275,{quota},USD,2012-02-29,2012-05-30," for quota in ("550000", "250000"))
REFUNDED_IN = "2012-03-15"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, whose seeds are corrected on the way."""
    folder = tmp_path_factory.mktemp("project")
    ignored = shutil.ignore_patterns("target", "logs", "__pycache__", "var", ".mypy_cache")
    for name in ("ingestion", "orchestration", "seeds", "dbt_project"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    return folder


def with_refund(extracts: Path) -> str:
    """Copy the sample with one payment of January refunded in March; returns the payment's deal."""
    shutil.copytree(SAMPLE, extracts, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    with gzip.open(SAMPLE / "crm" / "Opportunity.csv.gz", "rt", encoding="utf-8", newline="") as file:
        owned = {row["Id"] for row in csv.DictReader(file) if row["OwnerId"].endswith(f"000{PAYEE}")}
    packed = extracts / "billing" / "payments.csv.gz"
    with gzip.open(packed, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    refunded = {row["opportunity_id"] for row in rows if row["kind"] == "refund"}
    paid = next(
        row
        for row in rows
        if row["paid_date"].startswith("2012-01")
        and row["opportunity_id"] in owned
        and row["opportunity_id"] not in refunded
    )
    rows.append(
        {
            **paid,
            "payment_id": "LATE-REFUND",
            "kind": "refund",
            "paid_date": REFUNDED_IN,
            "amount": str(-Decimal(paid["amount"])),
            "updated_at": f"{REFUNDED_IN}T00:00:00Z",
        }
    )
    with gzip.open(packed, "wt", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return paid["opportunity_id"]


def close(company: Installation, project: Path, period: str) -> None:
    for arguments in (
        ("release", "credits", period, "--by", "ana"),
        ("release", "rewards", period, "--by", "ana"),
        ("approve", period, "--by", "stephen"),
        ("approve", period, "--by", "laura"),
        ("close", period, "--by", "laura"),
    ):
        answer = company.commissions(*arguments, root=project)
        assert answer.returncode == 0, answer.stderr


def test_a_year_closed_month_by_month(project: Path, tmp_path: Path) -> None:
    company = Installation(tmp_path / "home")
    deal = with_refund(tmp_path / "extracts")
    extracts = {"COMMISSIONS_EXTRACTS": str(tmp_path / "extracts")}

    def run(month: int, year: int = 2012) -> None:
        last = f"{year}-{month:02}-{monthrange(year, month)[1]}"
        answer = company.commissions("run", root=project, COMMISSIONS_AS_OF_DATE=last, **extracts)
        assert answer.returncode == 0, answer.stdout + answer.stderr

    def paid_until(period: str) -> list[tuple[str, Decimal]]:
        return company.ask(
            f"select payout_key, payout_amount from marts.fct_payouts where period_code <= '{period}' order by all"
        )

    run(12, 2011)
    for month in range(5, 13):
        close(company, project, f"2011-{month:02}")
    statements = {}
    last, closed = "2011-12", paid_until("2011-12")
    for month in range(1, 13):
        period = f"2012-{month:02}"
        if month == 6:
            variables = project / "seeds" / "plans" / "variables.csv"
            text = variables.read_text(encoding="utf-8")
            assert text.count(WRONG) == 1
            variables.write_text(text.replace(WRONG, RIGHT), encoding="utf-8")
        run(month)
        assert paid_until(last) == closed, f"{period} changed what was closed"
        statements[month] = company.commissions("explain", PAYEE, period, "--plan", "reseller", root=project)
        close(company, project, period)
        last, closed = period, paid_until(period)

    # The refund takes back in March what January paid for that payment, to the cent.
    lines = company.ask(
        "select posted_period_code, sum(line_amount) from marts.fct_ledger_lines "
        f"where transaction_id = 'crm/Opportunity/{deal}' and plan_id = 'reseller' and payee_id = '{PAYEE}' "
        f"and (payment_id = 'LATE-REFUND' or posted_period_code = '2012-01') group by all order by all"
    )
    assert [period for period, _ in lines] == ["2012-01", "2012-03"]
    assert lines[0][1] == -lines[1][1] > 0
    # By hand, at his base rate of 1.2 %: 250,000 x 0.012 + 125,000 x 0.018 + 67,816.4873 x 0.024 = 6,877.60 for the quarter,
    # instead of 442,816.4873 x 0.012 = 5,313.80; June posts the difference as far as it was collected by the end of May.
    (corrected,) = company.ask(
        "select sum(line_amount), count(*) from marts.fct_ledger_lines where reason_code = 'numbers_changed' "
        f"and posted_period_code = '2012-06' and payee_id = '{PAYEE}'"
    )
    assert corrected[1] > 0
    assert 0 < corrected[0] < Decimal("6877.60") - Decimal("5313.80")
    (quarter,) = company.ask(
        "select sum(commission_amount) from marts.fct_credits "
        f"where window_code = 'Q2012-02-29' and payee_id = '{PAYEE}' and plan_id = 'reseller'"
    )
    assert quarter == (Decimal("6877.60"),)
    assert company.ask(
        "select distinct plan_id, payee_id from marts.fct_ledger_lines where reason_code = 'numbers_changed'"
    ) == [("reseller", PAYEE)]
    verified = company.commissions("verify", "--rebuild", root=project)
    assert verified.returncode == 0, verified.stderr
    (company.home / "warehouse.duckdb").unlink()
    run(12)
    again = company.commissions("verify", "--rebuild", root=project)
    assert verified.stdout.splitlines()[-2] == again.stdout.splitlines()[-2], "the same bytes of the ledger"
    for month in (1, 6, 7):
        print(statements[month].stdout)
    print(again.stdout)
