"""Open deals projected by the real models, against figures worked by hand; what holds is not touched.

ana has won 80,000 in April, so 20,000 are left at 10 %. A (30,000): 20,000 x 10 % + 10,000 x 20 % = 4,000, and B alone the same.
If both close, A comes first and brings 4,000, B is all above: 30,000 x 20 % = 6,000.
"""

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.planning.projection import Projection, project, told
from orchestration.planning.scratch import PlanningError
from orchestration.plans.situations.build import write_seeds
from orchestration.warehouse.settings import RunSettings
from tests.orchestration.planned import hashes
from tests.support.companies.contract_company import install
from tests.support.companies.pipeline_company import AS_OF, company

ROOT = Path(__file__).resolve().parents[2]

# deal, plan, payee: alone, weighted, all
BY_HAND = {
    ("A", "deals", "ana"): ("4000", "2000", "4000"),
    ("B", "deals", "ana"): ("4000", "3000", "6000"),
    # 9,500 + 600 reach 10,000: 60 and the bonus of 50; 110 x 0.75 = 82.50.
    ("C", "deals", "ben"): ("110", "82.5", "60"),
    # 33.333 -> 33.33; a tenth of it is 3.333: an expectation is not rounded.
    ("D", "deals", "cy"): ("33.33", "3.333", "33.33"),
    ("E", "euro_deals", "cy"): ("10", "5", "10"),
    # 1,000 CAD at the last known rate are 800 USD.
    ("X", "deals", "fay"): ("80", "8", "80"),
    # Credited, and no rate is agreed from June on: see the gaps.
    ("Q", "euro_deals", "dee"): ("0", "0", "0"),
}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> RunSettings:
    return install(tmp_path_factory.mktemp("home"), company(), AS_OF)


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plans") / "seeds"
    write_seeds(company(), folder, ROOT / "seeds")
    return folder


@pytest.fixture(scope="module")
def projected(settings: RunSettings, seeds: Path) -> tuple[Projection, dict[str, str], dict[str, str]]:
    """The projection in builds of four deals each, and the files of the home before and after it."""
    before = hashes(settings.home)
    made = project(settings, seeds, scenarios_max=4)
    return made, before, hashes(settings.home)


def ask(projection: Projection, query: str) -> list[Any]:
    with duckdb.connect(str(projection.path), read_only=True) as results:
        return results.execute(query).fetchall()


def test_each_deal_alone_weighted_and_with_all_others(projected: tuple[Projection, Any, Any]) -> None:
    rows = ask(projected[0], "from projected_deals")
    found = {
        (deal.rpartition("/")[2], plan, payee): tuple(Decimal(amount).normalize() for amount in amounts)
        for deal, _day, _ratio, payee, _name, plan, _currency, *amounts in rows
    }
    expected = {
        key: tuple(Decimal(amount).normalize() for amount in amounts) for key, amounts in BY_HAND.items()
    }
    assert found == expected
    assert projected[0].build_count == 2 and projected[0].deal_count == 8


def test_totals_add_up_and_name_what_is_of_no_single_deal(projected: tuple[Projection, Any, Any]) -> None:
    rows = ask(
        projected[0],
        "select payee_id, established_amount, alone_amount, all_deals_amount, all_other_amount, all_amount "
        "from projected_totals where plan_id = 'deals' and alone_amount <> 0 order by all",
    )
    assert [(payee, *map(int, amounts)) for payee, *amounts in rows if payee in ("ana", "ben")] == [
        ("ana", 8050, 8000, 10000, 0, 10000),
        # The bonus for the month belongs to no deal.
        ("ben", 950, 110, 60, 50, 110),
    ]
    assert ask(
        projected[0],
        "select count(*) from projected_totals where all_amount <> all_deals_amount + all_other_amount",
    ) == [(0,)]


def test_a_deal_that_brings_nothing_says_why_under_every_plan(projected: tuple[Projection, Any, Any]) -> None:
    rows = ask(
        projected[0],
        "select transaction_id, plan_id, disposition_code, reason_code from open_deals "
        "where transaction_id in ('crm/Opportunity/A', 'crm/Opportunity/F') order by all",
    )
    assert [(deal[-1], *rest) for deal, *rest in rows] == [
        ("A", "deals", "credited", None),
        ("A", "euro_deals", "skipped", "filter_not_met"),
        ("F", "deals", "skipped", "owner_not_in_hris"),
        ("F", "euro_deals", "skipped", "filter_not_met"),
    ]


def test_a_deal_that_would_be_credited_and_bring_nothing_says_which_number_is_missing(
    projected: tuple[Projection, Any, Any],
) -> None:
    assert ask(projected[0], "select plan_id, payee_id, unpaid_date, reason_code from projected_gaps") == [
        ("euro_deals", "dee", date(2014, 6, 1), "missing_variable")
    ]
    assert "euro_deals, payee dee, 2014-06-01: " in "\n".join(told(projected[0]))


def test_an_overdue_deal_closes_on_the_as_of_date_and_lost_ones_never(
    projected: tuple[Projection, Any, Any],
) -> None:
    days = dict(ask(projected[0], "select distinct transaction_id, expected_close_date from open_deals"))
    assert days["crm/Opportunity/E"] == AS_OF and days["crm/Opportunity/D"] == date(2014, 5, 20)
    assert "crm/Opportunity/L" not in days and "crm/Opportunity/W1" not in days
    assert projected[0].horizon == date(2014, 6, 20)


def test_nothing_real_is_touched_and_no_scratch_is_left(
    settings: RunSettings, projected: tuple[Projection, dict[str, str], dict[str, str]]
) -> None:
    _, before, after = projected
    assert "warehouse.duckdb" in before and "published/marts.duckdb" in before
    assert after == before
    assert not (settings.home / "planning" / "projection" / "scratch").exists()


def test_tables_are_described_and_written_as_csv(projected: tuple[Projection, Any, Any]) -> None:
    undescribed = ask(
        projected[0],
        "select table_name || '.' || column_name from duckdb_columns() "
        "where table_name <> 'facts' and not internal and comment is null",
    )
    assert undescribed == []
    with (projected[0].path.parent / "projected_deals.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["alone_amount"] for row in rows if row["transaction_id"].endswith("/A")] == ["4000.0000"]


def test_what_is_printed_names_the_three_sums(projected: tuple[Projection, Any, Any]) -> None:
    text = "\n".join(told(projected[0]))
    assert "8 open deals as of 2014-04-15" in text
    assert "all payees, USD: each alone 8,223.33, weighted 5,093.83, all close 10,223.33" in text
    assert "  deals: The owner matches no payee of the HRIS: 1" in text


def test_a_company_that_never_ran_is_told_to_run(tmp_path: Path) -> None:
    with pytest.raises(PlanningError, match="commissions run"):
        project(RunSettings(home=tmp_path), ROOT / "seeds")
