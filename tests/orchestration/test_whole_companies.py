"""Whole companies, each without something: the run with all data tests, and all that is read and done afterwards.

Each has a home of its own. The first is run by the command; the others skip the landing, whose tests are elsewhere, and start
from a warehouse whose views are made.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb
import pytest
from click.testing import CliRunner, Result

from ingestion.landing.settings import Settings as IngestionSettings
from orchestration.books.landed import land_books
from orchestration.calculation.dbt_process import current
from orchestration.calculation.manifest import ensure_manifest, read_manifest
from orchestration.calculation.step import Calculation, CalculationError
from orchestration.cli.main import main
from orchestration.plans.checks import check_inputs
from orchestration.plans.situations.build import write_raw_tables
from orchestration.warehouse.publish import put_candidate_in_place
from orchestration.warehouse.settings import RunSettings
from tests.support.equations import equations, faults
from tests.support.whole_companies import AS_OF, COMPANIES, WholeCompany

ROOT = Path(__file__).resolve().parents[2]
BY_COMMAND = "mixed_events"
# What approval, journal, payroll and closing could find different; the others end with their statements.
CLOSED = ("mixed_events", "no_payments_but_a_cancellation", "no_posting_rules", "yen_only")
MONTH = "2024-02"
MINOR_UNITS = {"USD": 2, "JPY": 0}
# What stands in the summary of each as not used.
JOURNAL = "journal (seeds/accounting/posting_rules.csv)"
PAYROLL = "payroll files (seeds/payroll/pay_groups.csv)"
PAYMENTS = "payments (payments of the billing system)"


@dataclass
class Home:
    """One company in a home of its own."""

    name: str
    company: WholeCompany
    folder: Path

    def __post_init__(self) -> None:
        self.seeds, self.extracts = self.company.write(self.folder)

    @property
    def settings(self) -> RunSettings:
        return RunSettings(self.folder / "var", AS_OF)

    def environment(self) -> Any:
        """The variables of this company, for as long as the block; what a command sets is gone afterwards."""
        return patch.dict(
            os.environ,
            COMMISSIONS_HOME=str(self.settings.home),
            COMMISSIONS_EXTRACTS=str(self.extracts),
            COMMISSIONS_SEEDS=str(self.seeds),
            COMMISSIONS_AS_OF_DATE=AS_OF,
        )

    def command(self, *arguments: str) -> Result:
        with self.environment():
            return CliRunner().invoke(main, arguments)

    def done(self, *arguments: str) -> str:
        answer = self.command(*arguments)
        assert answer.exit_code == 0, f"{arguments}: {answer.output} {answer.exception}"
        return answer.output

    def refused(self, *arguments: str) -> str:
        answer = self.command(*arguments)
        assert answer.exit_code == 1 and isinstance(answer.exception, SystemExit), answer.output
        return answer.output

    def calculate(self, template: Path | None) -> None:
        """What a run does after the landing: preflight, build, all data tests, publication."""
        settings = self.settings
        with self.environment():
            settings.prepare()
            check_inputs(ROOT, IngestionSettings.from_env())
        if template:
            shutil.copytree(template, settings.home, dirs_exist_ok=True)
        raw = {name: rows for name, rows in self.company.tables.items() if "/" in name}
        write_raw_tables(raw, settings.warehouse)
        with duckdb.connect(str(settings.warehouse)) as connection:
            land_books(connection, settings.books)
        calculation = Calculation(settings, read_manifest(), current(), self.seeds)
        try:
            done = calculation.run()
        except CalculationError as error:
            bad = [node.message for node in calculation.built if not node.is_good]
            bad += [
                f"{check.unique_id}: {check.failing_rows} {check.error}"
                for check in calculation.checks
                if not check.is_good
            ]
            pytest.fail(f"{error}\n" + "\n".join(bad), pytrace=False)
        # Every data test that a run asks was asked, and none of them passed before.
        assert len(calculation.checks) > 400
        put_candidate_in_place(
            done.candidate, published=settings.published, run={"as_of_date": AS_OF}, nodes=done.nodes
        )
        settings.end_writing()

    def payouts(self) -> Mapping[tuple[str, str, str], Decimal]:
        with self.settings.open_published() as marts:
            return {
                (payee, plan, month): amount
                for payee, plan, month, amount in marts.execute(
                    "select payee_id, plan_id, period_code, payout_amount from marts.fct_payouts"
                ).fetchall()
            }


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which a company without deals is built: its views and reference seeds are those of all."""
    ensure_manifest()
    home = Home("template", COMPANIES["nothing_eligible"](), tmp_path_factory.mktemp("template"))
    home.calculate(None)
    kept = tmp_path_factory.mktemp("kept")
    (kept / "dbt").mkdir()
    shutil.copy(home.settings.home / "dbt" / "tests.json", kept / "dbt")
    shutil.copy(home.settings.warehouse, kept)
    with duckdb.connect(str(kept / "warehouse.duckdb")) as connection:
        schemas = connection.execute("select schema_name from information_schema.schemata").fetchall()
        for (schema,) in schemas:
            if schema.startswith("raw_"):
                connection.execute(f"drop schema if exists {schema} cascade")
    return kept


@pytest.fixture(scope="module", params=list(COMPANIES))
def home(
    request: pytest.FixtureRequest, template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Home]:
    made = Home(request.param, COMPANIES[request.param](), tmp_path_factory.mktemp(request.param))
    if request.param == BY_COMMAND:
        assert "PAYOUTS 2024-" in made.done("run")
    else:
        made.calculate(template)
    yield made
    shutil.rmtree(made.folder, ignore_errors=True)


def test_a_whole_company_is_paid_read_and_closed(home: Home) -> None:
    assert dict(home.payouts()) == dict(home.company.payouts)
    check_summary(home)
    check_explanations(home)
    check_month(home)


def check_summary(home: Home) -> None:
    """It is printed, its equations are true, and it says once what the company does without."""
    text = home.done("summary")
    assert not faults(text, MINOR_UNITS[home.company.currency])
    unused = " ".join(text.partition("NOT USED")[2].partition("\n\n")[0].split())
    tables = home.company.tables
    assert (JOURNAL in unused) == ("posting_rules" in home.company.emptied)
    assert (PAYROLL in unused) == ("pay_groups" not in tables)
    assert (PAYMENTS in unused) == ("billing/payments" not in tables)
    if not home.company.payouts:
        assert "none: no commission is due yet" in text


def check_explanations(home: Home) -> None:
    """Each payout is unfolded: every equation is true, and the lines lead from the deal to the amount."""
    minor_unit = MINOR_UNITS[home.company.currency]
    for (payee, plan, month), amount in home.company.payouts.items():
        text = home.done("explain", payee, month, "--plan", plan)
        assert f"{amount:,.2f} {home.company.currency}" in text.splitlines()[0]
        assert not faults(text, minor_unit), text
        assert any(equations(text)), text
        assert "deal of " in text
    assert "is paid anything" in home.refused("explain", "nobody", MONTH)


def check_month(home: Home) -> None:
    """The first month is released, approved, stated, paid and closed; what is not there is refused in words."""
    if not home.company.payouts:
        assert "has no lines, so there is nothing to state" in home.refused("statements", MONTH)
        return
    home.done("release", "credits", MONTH, "--by", "ana")
    home.done("release", "rewards", MONTH, "--by", "ana")
    home.done("statements", MONTH)
    for payee in {payee for payee, _, month in home.company.payouts if month == MONTH}:
        (page,) = home.settings.home.rglob(f"payee-{payee}.html")
        assert "deal of " in page.read_text(encoding="utf-8")
    if home.name not in CLOSED:
        return
    home.done("approve", MONTH, "--by", "laura")
    if home.company.emptied:
        assert "no journal is kept here: seeds/accounting/posting_rules.csv has no rows" in home.refused(
            "journal", MONTH, "--by", "laura"
        )
    elif any(home.company.payouts[key] for key in home.company.payouts if key[2] == MONTH):
        assert "exported by laura" in home.done("journal", MONTH, "--by", "laura")
    if "pay_groups" in home.company.tables:
        home.done("payroll", MONTH, "--by", "laura")
    assert f"{MONTH}: closed by laura" in home.done("close", MONTH, "--by", "laura")
