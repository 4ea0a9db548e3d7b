"""The situations come out to the cent in one dbt build; a mistake in one is named; a wrong figure does not pass."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from orchestration.plans.situations.__main__ import main
from orchestration.plans.situations.case import SituationError, read_cases
from orchestration.plans.situations.rows import groups_of
from orchestration.plans.situations.run import CaseResult, compare, read_results, report, run_folder

FOLDER = Path(__file__).parent / "situations"
CASES = read_cases(FOLDER)
RIGHT = """
- case: one deal
  people: {ana: {}}
  plans: {standard: {tiers: {0: 0.1}}}
  deals: [{owner: ana, date: 2024-03-05, amount: 1000}]
  expect: {payouts: [{payee: ana, amount: 100}]}
"""


@pytest.fixture(scope="module")
def home(build_once: Callable[[str, Callable[[Path], Path]], Path]) -> Path:
    def build(folder: Path) -> Path:
        run_folder(FOLDER, folder)
        return folder

    return build_once("situations", build)


@pytest.fixture(scope="module")
def results(home: Path) -> dict[str, CaseResult]:
    return {
        case.code: compare(case, got[case.code])
        for position, group in enumerate(groups_of(CASES), start=1)
        for got in [read_results(home / f"build_{position}" / "warehouse.duckdb")]
        for case in group
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_situation(case: object, results: dict[str, CaseResult]) -> None:
    result = results[case.code]  # type: ignore[attr-defined]
    assert result.figures
    assert result.is_met, "\n".join(report([result]))


def test_all_situations_share_one_build() -> None:
    assert len(groups_of(CASES)) == 1


def test_a_wrong_figure_a_missing_row_and_a_row_too_many_do_not_pass(home: Path) -> None:
    got = read_results(home / "build_1" / "warehouse.duckdb")
    case = next(case for case in CASES if case.title == "overlays add to the owner's credit")
    expected = case.body["expect"]["credits"]

    def is_met(credits: list[dict[str, object]]) -> bool:
        changed = case.__class__(
            case.code, case.file, case.title, case.as_of, {**case.body, "expect": {"credits": credits}}
        )
        return compare(changed, got[case.code]).is_met

    assert is_met(expected)
    assert not is_met([*expected[:2], {**expected[2], "amount": Decimal("250.01")}])
    assert not is_met([*expected, {"payee": "ana", "amount": Decimal(1)}])
    assert not is_met(expected[:2])


def test_a_wrong_expected_figure_fails_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.yaml").write_text(RIGHT + RIGHT.replace("one deal", "wrong").replace("100}", "100.01}"))
    assert main([str(tmp_path / "mine.yaml"), "--keep", str(tmp_path / "kept")]) == 1
    said = capsys.readouterr().out
    assert "PASS  one deal" in said and "FAIL  wrong" in said
    assert "1 of 2 situations came out as expected, 1 did not" in said


def test_a_field_that_nothing_knows_names_the_situation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = RIGHT.replace("{tiers", "{filter_expression: '\"Amuont\" > 5', tiers")
    (tmp_path / "mine.yaml").write_text(RIGHT + wrong.replace("one deal", "mistyped"))
    assert main([str(tmp_path / "mine.yaml")]) == 2
    said = capsys.readouterr().err
    assert "Amuont" in said and "s002 is 'mistyped' in" in said and "s001" not in said


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("amount: 1000", "amonut: 1000", "deals 1: unknown key `amonut`; did you mean amount?"),
        ("amount: 1000", "amount: '1.000,00'", "deals 1.amount: '1.000,00' is not a number"),
        ("amount: 1000", "amount: 1.000,00", "deals 1: unknown key `00`; known are"),
        ("2024-03-05", "05.03.2024", "deals 1.date: '05.03.2024' is not a day; write 2024-12-31"),
        ("{0: 0.1}", "{0: 0.1}, tier_methode_code: standing", "did you mean tier_method_code?"),
        (
            "{0: 0.1}",
            "{0: 0.1}, tier_method_code: stnading",
            "unknown code 'stnading'; did you mean standing?",
        ),
        ("{0: 0.1}", "{1000: 0.2, 0: 0.1}", "plans.standard.tiers: the bounds must rise, found 1000, 0"),
        (
            "{payee: ana, amount",
            "{payee: anna, amount",
            "expect.payouts 1.payee: no 'anna' in people or teams",
        ),
        ("payouts:", "payout:", "expect: unknown key `payout`; did you mean payouts?"),
        ("amount: 100}", "amount: a hundred}", "expect.payouts 1.amount: 'a hundred' is not a number"),
        ("people: {ana: {}}", "people: {ana: {}, ana: {}}", "the key `ana` occurs twice"),
        ("people: {ana: {}}", "persons: {ana: {}}", "unknown key `persons`"),
        ("- case: one deal", "- title: one deal", "starts with `case: title`"),
    ],
)
def test_a_mistake_names_file_case_key_and_fix(tmp_path: Path, old: str, new: str, message: str) -> None:
    (tmp_path / "mine.yaml").write_text(RIGHT.replace(old, new))
    with pytest.raises(SituationError) as refused:
        read_cases(tmp_path)
    assert "mine.yaml" in str(refused.value) and message in str(refused.value)


def test_two_situations_of_one_title_are_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(RIGHT + RIGHT)
    with pytest.raises(SituationError, match="two cases are called 'one deal'"):
        read_cases(tmp_path)


def test_numbers_are_exact_and_words_stay_words(tmp_path: Path) -> None:
    written = RIGHT.replace("amount: 1000", "amount: 0.10, Code__c: 010, Answer__c: no, Time__c: 1:30")
    (tmp_path / "mine.yaml").write_text(written)
    deal = read_cases(tmp_path)[0].body["deals"][0]
    assert deal["amount"] == Decimal("0.10") and str(deal["amount"]) == "0.10"
    assert (deal["Code__c"], deal["Answer__c"], deal["Time__c"]) == ("010", "no", "1:30")


def test_another_day_or_a_rate_of_exchange_that_would_be_met_takes_a_build_of_its_own(tmp_path: Path) -> None:
    euro = RIGHT.replace("amount: 1000}", "amount: 1000, currency: EUR}")
    fx = "  fx: [{currency: EUR, date: 2024-03-%s, rate: 0.8}]\n"
    (tmp_path / "mine.yaml").write_text(
        euro
        + (euro + fx % "05").replace("one deal", "met")
        + (euro + fx % "06").replace("one deal", "of a later day")
        + (RIGHT + "  as_of: 2024-06-30\n").replace("one deal", "early")
    )
    cases = read_cases(tmp_path)
    groups = [[case.title for case in group] for group in groups_of(cases)]
    assert groups == [["one deal", "of a later day"], ["met"], ["early"]]
    assert cases[3].as_of == date(2024, 6, 30)
