"""Events come from the books alone: whatever was killed in between, the same books give the same events."""

import json
from typing import Any

import pytest

from orchestration.telling.events.asking import verify
from orchestration.telling.events.delivery import catch_up
from orchestration.telling.events.deriving import derive
from orchestration.telling.events.outbox import open_outbox
from orchestration.warehouse.files import BooksError
from tests.support.companies.recorded_company import NOON, Company

CHANGED = [
    ("2014-02", "USD", "10.00", "12.50"),
    ("2014-03", "USD", None, "7.25"),
    ("2014-03", "EUR", "1.10", None),
]


def told(company: Company) -> list[dict[str, Any]]:
    with open_outbox(company.settings.outbox) as outbox:
        catch_up(company.settings, outbox, NOON)
        return [
            json.loads(row["body"])
            for row in outbox.rows("select body from published_events order by sequence")
        ]


def test_a_month_from_the_calculation_to_the_payroll_file(company: Company) -> None:
    company.run("run-1", CHANGED)
    company.release("2014-03")
    company.act("release_rewards", period_code="2014-03", plan_id="reseller", lines_fingerprint="f1")
    company.act(
        "approve", period_code="2014-03", plan_id="reseller", role_code="manager", lines_fingerprint="f1"
    )
    company.act(
        "adjust", period_code="2014-03", plan_id="reseller", payee_id="275", currency_code="USD", amount="-12.34",
        reason="Ana Lopez was paid twice",
    )  # fmt: skip
    company.act("approve_adjustment", reference_number=4)
    company.close("2014-03", {"USD": "963.08", "EUR": "0.10"})
    company.export(1, "2014-03", "950.74")
    company.act("dispute_filed", period_code="2014-03", payee_id="275", reason="my name is Ana")
    company.act("something_new", period_code="2014-04")

    events = told(company)

    assert [
        (event["sequence"], event["type"], event["subject"], event["subject_sequence"]) for event in events
    ] == [
        (1, "calculation.completed", "calculation", 1),
        (2, "credits.released", "period/2014-03", 1),
        (3, "statement.released", "period/2014-03", 2),
        (4, "period.approved", "period/2014-03", 3),
        (5, "adjustment.requested", "period/2014-03", 4),
        (6, "adjustment.approved", "period/2014-03", 5),
        (7, "period.closed", "period/2014-03", 6),
        (8, "payout.exported", "period/2014-03", 7),
        (9, "dispute.filed", "period/2014-03", 8),
        (10, "action.something_new", "period/2014-04", 1),
    ]
    calculated, adjusted, closed, exported = (events[number]["data"] for number in (0, 5, 6, 7))
    assert events[0]["timestamp"] == "2014-03-31T05:01:02Z"
    assert calculated["payout_rows"] == {"added": 1, "changed": 1, "removed": 1}
    assert calculated["is_changed"] is True
    assert calculated["payouts_changed"] == [
        {"period_code": "2014-02", "currency_code": "USD", "row_count": 1, "difference_amount": "2.5000"},
        {"period_code": "2014-03", "currency_code": "EUR", "row_count": 1, "difference_amount": "-1.1000"},
        {"period_code": "2014-03", "currency_code": "USD", "row_count": 1, "difference_amount": "7.2500"},
    ]
    assert (adjusted["adjustment_number"], adjusted["amount"], adjusted["currency_code"]) == (
        4,
        "-12.34",
        "USD",
    )
    assert closed["totals"] == [
        {"currency_code": "EUR", "amount": "0.10"},
        {"currency_code": "USD", "amount": "963.08"},
    ]
    assert (exported["export_number"], exported["amount"], exported["file_sha256"]) == (
        1,
        "950.74",
        "0a" * 32,
    )
    text = json.dumps(events)
    assert "Ana" not in text and '"ana"' not in text, "names of people and free text stay in the books"


def test_a_dispute_and_what_becomes_of_it_are_of_the_month_that_it_was_filed_for(company: Company) -> None:
    company.release("2014-02")
    company.act(
        "dispute_filed", period_code="2014-03", payee_id="275", ledger_line_key="2014-03|line", currency_code="USD",
        claimed_amount="12.34", reason="my name is Ana",
    )  # fmt: skip
    company.act(
        "dispute_answered", reference_number=2, payee_id="275", role_code="manager", reason="look again"
    )
    company.act(
        "dispute_accepted", reference_number=2, payee_id="275", role_code="manager", adjustment_number=9
    )
    _, *disputed = told(company)
    assert [(event["type"], event["subject"]) for event in disputed] == [
        (f"dispute.{what}", "period/2014-03") for what in ("filed", "answered", "accepted")
    ]
    assert all(event["data"]["dispute_number"] == 2 for event in disputed)
    assert all(event["data"]["claimed_amount"] == "12.34" for event in disputed)
    assert disputed[2]["data"]["adjustment_number"] == 9


def test_an_outbox_that_is_lost_is_made_again_with_the_same_ids_and_order(company: Company) -> None:
    company.release("2014-01")
    told(company)
    company.run("run-1", CHANGED)
    company.release("2014-02")
    company.run("run-2", [])
    company.release("2014-03")
    before = told(company)
    for path in company.settings.outbox.parent.glob("outbox.sqlite*"):
        path.unlink()

    assert told(company) == before
    assert [event["subject"] for event in before] == [
        "period/2014-01", "calculation", "period/2014-02", "calculation", "period/2014-03",
    ]  # fmt: skip


def test_a_run_that_was_killed_before_it_was_recorded_is_told_by_the_next_pass_or_the_next_run(
    company: Company,
) -> None:
    company.publish("killed-1", CHANGED)
    assert [event["data"]["run_id"] for event in told(company)] == ["killed-1"]
    company.publish("killed-2", [])
    company.run("run-3", [])
    events = told(company)
    assert [event["data"]["run_id"] for event in events] == ["killed-1", "killed-2", "run-3"]
    assert [event["data"]["is_changed"] for event in events] == [True, True, False]
    assert len(told(company)) == 3


def test_an_outbox_that_tells_of_other_books_stops_everything(company: Company) -> None:
    company.release("2014-01")
    company.release("2014-02")
    told(company)
    (company.settings.books / "actions" / "000002.json").unlink()
    with pytest.raises(BooksError, match=r"event 2 of .* comes from action/2, which the books do not have"):
        told(company)
    company.release("2014-03")
    with pytest.raises(BooksError, match="event 2 of "):
        told(company)


def test_events_are_neither_changed_nor_deleted_and_verified_against_the_books(company: Company) -> None:
    company.run("run-1", CHANGED)
    company.release("2014-01")
    told(company)
    with open_outbox(company.settings.outbox) as outbox:
        assert verify(company.settings, outbox) == "events: 2, each as the books say"
        for statement in ("update outbox_events set body = '{}'", "delete from outbox_events"):
            with pytest.raises(BooksError, match="never"), open_outbox(company.settings.outbox) as other:
                other.connection.execute(statement)
        outbox.connection.execute("drop trigger outbox_events_stay")
        outbox.connection.execute(
            "update outbox_events set body = replace(body, '7.2500', '7.2600') where sequence = 1"
        )
        with pytest.raises(BooksError, match=r"event 1 .* is not what publication/1 says"):
            verify(company.settings, outbox)


def test_a_publication_that_was_edited_is_found(company: Company) -> None:
    company.run("run-1", CHANGED)
    path = company.settings.books / "publications" / "000001.json"
    path.write_text(path.read_text().replace("7.2500", "7.2600"))
    with pytest.raises(BooksError, match=r"000001\.json was changed after it was written"):
        derive(company.settings.books)
