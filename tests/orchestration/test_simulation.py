"""A changed plan on past months beside what holds, worked by hand; what holds is not touched; wrong seeds are refused."""

import csv
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.books import acting
from orchestration.books.desk import open_desk
from orchestration.planning.scratch import PlanningError
from orchestration.planning.simulation import Simulation, simulate, told
from orchestration.plans.checks import PreflightError
from orchestration.plans.situations.build import write_seeds
from orchestration.warehouse.settings import RunSettings
from tests.orchestration.planned import hashes
from tests.support.companies.contract_company import approve, company, install

ROOT = Path(__file__).resolve().parents[2]


def tiers(rate: str) -> list[dict[str, str]]:
    return [
        {"plan_id": plan, "valid_from": "2014-01-01", "tier_number": "1", "tier_from": "0", "rate_expression": given}
        for plan, given in (("deals", rate), ("euro_deals", "0.05"))
    ]  # fmt: skip


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> RunSettings:
    """The company at 5 %, March closed."""
    made = install(tmp_path_factory.mktemp("home"), company(tiers=tiers("0.05")))
    approve(made, "2014-03")
    with open_desk(made) as desk:
        acting.close(desk, "2014-03", "laura")
    return made


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plans") / "seeds"
    write_seeds(company(tiers=tiers("0.05")), folder, ROOT / "seeds")
    return folder


@pytest.fixture(scope="module")
def changed(seeds: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the one seed that differs: 6 % instead of 5 %."""
    folder = tmp_path_factory.mktemp("six_per_cent")
    text = (seeds / "plans" / "tiers.csv").read_text()
    assert text.count('"deals"') == 1
    lines = [line.replace('"0.05"', '"0.06"') if '"deals"' in line else line for line in text.splitlines()]
    (folder / "tiers.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="module")
def simulated(
    settings: RunSettings, seeds: Path, changed: Path
) -> tuple[Simulation, dict[str, str], dict[str, str]]:
    before = hashes(settings.home)
    made = simulate(settings, seeds, changed, period_from="2014-03", period_to="2014-03")
    return made, before, hashes(settings.home)


def ask(simulation: Simulation, query: str) -> list[Any]:
    with duckdb.connect(str(simulation.path), read_only=True) as results:
        return results.execute(query).fetchall()


def test_the_months_stand_side_by_side_for_every_payee_and_plan(
    simulated: tuple[Simulation, Any, Any],
) -> None:
    rows = ask(
        simulated[0],
        "select payee_id, plan_id, period_code, currency_code, real_due_amount, simulated_due_amount, "
        "due_difference_amount from simulated_periods order by all",
    )
    # ana: 10,333.00 in USD: 516.65 and the bonus of 50 -> 619.98 and 50; 200.00 in EUR stays at 10.00.
    # ben -500: -25 -> -30. cy 1,234.50: 61.725 -> 61.73 and 74.07. dee -30: -1.50 -> -1.80.
    # eve 10,000: 500 + 50 -> 600 + 50. fay 777.77: 38.8885 -> 38.89 and 46.6662 -> 46.67.
    assert [(*names, *map(str, map(float, amounts))) for *names, real, new, gain in rows for amounts in [(real, new, gain)]] == [
        ("ana", "deals", "2014-03", "USD", "566.65", "669.98", "103.33"),
        ("ana", "euro_deals", "2014-03", "EUR", "10.0", "10.0", "0.0"),
        ("ben", "deals", "2014-03", "USD", "-25.0", "-30.0", "-5.0"),
        ("cy", "deals", "2014-03", "USD", "61.73", "74.07", "12.34"),
        ("dee", "deals", "2014-03", "USD", "-1.5", "-1.8", "-0.3"),
        ("eve", "deals", "2014-03", "USD", "550.0", "650.0", "100.0"),
        ("fay", "deals", "2014-03", "USD", "38.89", "46.67", "7.78"),
    ]  # fmt: skip


def test_the_cost_is_given_by_plan_and_currency(simulated: tuple[Simulation, Any, Any]) -> None:
    rows = ask(simulated[0], "from simulated_costs order by all")
    assert [(plan, currency, *map(Decimal, amounts)) for plan, currency, *amounts in rows] == [
        ("deals", "USD", *map(Decimal, ("1190.77", "1408.92", "218.15") * 2)),
        ("euro_deals", "EUR", *map(Decimal, ("10", "10", "0") * 2)),
    ]
    text = "\n".join(told(simulated[0]))
    assert "Changed: tiers; 2014-03 to 2014-03, as of 2014-04-30" in text
    assert "cost in USD: established 1,190.77 -> 1,408.92 (218.15), due 1,190.77 -> 1,408.92 (218.15)" in text
    assert "cost in EUR: established 10.00 -> 10.00 (0.00)" in text


def test_warehouse_books_and_published_marts_stay_as_they_were(
    settings: RunSettings, simulated: tuple[Simulation, dict[str, str], dict[str, str]]
) -> None:
    _, before, after = simulated
    assert {"warehouse.duckdb", "published/marts.duckdb", "books/periods/2014-03/manifest.json"} <= set(
        before
    )
    assert after == before
    with duckdb.connect(str(settings.published), read_only=True) as marts:
        assert marts.execute("select count(*) from fct_payouts where period_code = '2014-03'").fetchone() == (
            7,
        )
    assert not (simulated[0].path.parent / "scratch").exists()


def test_the_tables_are_described_and_written_as_csv(simulated: tuple[Simulation, Any, Any]) -> None:
    assert ask(
        simulated[0],
        "select column_name from duckdb_columns() where table_name <> 'facts' and not internal and comment is null",
    ) == []  # fmt: skip
    with (simulated[0].path.parent / "simulated_costs.csv").open(newline="") as file:
        assert [row["due_difference_amount"] for row in csv.DictReader(file)] == ["218.1500", "0.0000"]


def test_a_wrong_seed_is_refused_by_file_row_and_column_before_anything_is_calculated(
    settings: RunSettings, seeds: Path, changed: Path, tmp_path: Path
) -> None:
    wrong = Path(shutil.copytree(changed, tmp_path / "wrong"))
    text = (wrong / "tiers.csv").read_text()
    (wrong / "tiers.csv").write_text(text.replace('"0.06"', '"@@Rat"'))
    with pytest.raises(PreflightError) as refused:
        simulate(settings, seeds, wrong)
    assert "seeds/plans/tiers.csv row 2, column rate_expression" in str(refused.value)
    assert not list((settings.home / "planning" / "simulations").glob("wrong/*.duckdb"))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("tires.csv", "a\n", "is not a seed"),
        ("notes.txt", "a\n", r"holds no \*\.csv"),
    ],
)
def test_a_folder_without_changed_seeds_is_refused(
    settings: RunSettings, seeds: Path, tmp_path: Path, name: str, content: str, said: str
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(PlanningError, match=said):
        simulate(settings, seeds, tmp_path)


def test_seeds_that_are_as_they_hold_are_refused(settings: RunSettings, seeds: Path, tmp_path: Path) -> None:
    shutil.copyfile(seeds / "plans" / "tiers.csv", tmp_path / "tiers.csv")
    with pytest.raises(PlanningError, match="change one"):
        simulate(settings, seeds, tmp_path)
    with pytest.raises(PlanningError, match="is not a month"):
        simulate(settings, seeds, tmp_path, period_from="2014-13")
