"""docs/questions.md holds what the sample company's marts answer today."""

from pathlib import Path

import duckdb
import pytest

from orchestration.reading.questions import UnknownQuestion, answer, as_markdown, as_text, chosen, questions

DOCS = Path(__file__).resolve().parents[2] / "docs" / "questions.md"


def test_the_answers_in_the_documents_are_todays(sample_warehouse: Path) -> None:
    with duckdb.connect(str(sample_warehouse), read_only=True) as connection:
        written = as_markdown(connection, questions())
    told, found = DOCS.read_text().splitlines(), written.splitlines()
    differing = [line for line in found if line not in told] + [line for line in told if line not in found]
    if differing or told != found:
        pytest.fail(
            "docs/questions.md no longer agrees; run `commissions questions --markdown`. First difference: "
            f"{differing[:1]}",
            pytrace=False,
        )


def test_all_questions_but_that_for_corrections_have_an_answer(sample_warehouse: Path) -> None:
    with duckdb.connect(str(sample_warehouse), read_only=True) as connection:
        empty = [question.name for question in questions() if not answer(connection, question)[1]]
    assert empty == ["corrections"]


def test_one_question_is_answered_with_its_sql_and_an_unknown_one_is_refused(sample_warehouse: Path) -> None:
    with duckdb.connect(str(sample_warehouse), read_only=True) as connection:
        text = as_text(connection, chosen("top_payees"), with_sql=True)
    assert text.startswith("Who are the ten payees paid most, year to date?  [top_payees]")
    assert "from marts.fct_payouts as payouts" in text
    assert "Stephen Y Jiang" in text and "23,893.63" in text
    with pytest.raises(
        UnknownQuestion, match=r"there is no question top_payee\. There are:\n  distance_from_quota"
    ):
        chosen("top_payee")
