"""Delivery against a real server that fails, hangs, hangs up, throttles, redirects and repeats."""

import random
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestration.telling.events.asking import Choice, dead_letters, replay
from orchestration.telling.events.delivery import Served, backoff_seconds, deliver
from orchestration.telling.events.outbox import Due, open_outbox
from orchestration.telling.events.receivers import Receiver
from tests.support.companies.recorded_company import NOON, Clock, Company
from tests.support.servers.certificates import own_certificate
from tests.support.servers.fault_server import (
    Answer,
    Fault,
    hang_up,
    no_answer,
    retry_after,
    retry_at,
    status,
)
from tests.support.servers.receiving import Receiving

FAST = {"timeout_seconds": 0.4, "retry_seconds_min": 0, "retry_seconds_max": 0}


def receiver(erp: Receiving, **further: Any) -> Receiver:
    return Receiver(**{"name": "erp", "url": erp.url, **FAST, **further})


def sent(company: Company, one: Receiver, clock: Clock | None = None) -> Served:
    (served,) = deliver(company.settings, {one.name: one}, clock=clock or Clock(datetime.now(UTC)))
    return served


def sequences(erp: Receiving) -> list[int]:
    return [one.event["sequence"] for one in erp.accepted]


def test_every_event_arrives_once_signed_and_as_it_is_listed(company: Company, erp: Receiving) -> None:
    for month in ("2014-01", "2014-02", "2014-03"):
        company.release(month)
        company.close(month, {"USD": "1.00"})
    served = sent(company, receiver(erp))
    assert (served.acknowledged, served.failed, served.pending) == (6, 0, 0)
    assert erp.by_subject() == {"period/2014-01": [1, 2], "period/2014-02": [3, 4], "period/2014-03": [5, 6]}
    assert erp.refused == []
    with open_outbox(company.settings.outbox) as outbox:
        listed = {row["event_id"]: row["body"] for row in outbox.rows("select * from published_events")}
    for request in erp.server.requests:
        assert request.body.decode() == listed[request.headers["webhook-id"]]
        assert request.headers["content-type"] == "application/json"
    assert sent(company, receiver(erp)).acknowledged == 0
    company.release("2014-04")
    assert sent(company, receiver(erp)).acknowledged == 1


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        (status(500, "Ana Lopez earns 5"), "answered 500"),
        (status(404), "answered 404"),
        (no_answer(2), "no answer within 0.4 s"),
        (hang_up(), "the connection was closed without an answer"),
        (status(302, headers={"Location": "/hooks"}), "answered 302"),
        (status(429), "answered 429"),
    ],
    ids=("fails", "is_not_there", "hangs", "hangs_up", "redirects", "throttles"),
)
def test_a_failed_attempt_is_repeated_under_its_id_and_later_events_of_the_subject_wait(
    company: Company, erp: Receiving, fault: Fault, problem: str
) -> None:
    company.release("2014-01")
    company.close("2014-01", {"USD": "1.00"})
    erp.server.fault("/hooks", fault)
    clock = Clock(datetime.now(UTC))
    patient = receiver(erp, retry_seconds_min=30, retry_seconds_max=30)

    served = sent(company, patient, clock)
    assert (served.acknowledged, served.failed, served.pending) == (0, 1, 2)
    assert sequences(erp) == []
    with open_outbox(company.settings.outbox) as outbox:
        (attempt,) = outbox.rows("select problem, finished_at from attempts")
    assert attempt["problem"] == problem, "nothing of an answer's body is kept"
    clock.pass_by(20)
    assert sent(company, patient, clock).failed == 0, "not before its time"
    clock.pass_by(17)
    assert sent(company, patient, clock).acknowledged == 2
    first, again, second = (request.headers["webhook-id"] for request in erp.server.requests)
    assert first == again != second
    assert erp.by_subject() == {"period/2014-01": [1, 2]}


def test_a_receiver_that_trickles_is_cut_off_in_time(company: Company) -> None:
    """A socket's time-out starts anew with each byte; the receiver's does not."""
    company.release("2014-01")
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def trickle() -> None:
            connection, _ = listener.accept()
            with connection:
                try:
                    for _ in range(400):
                        connection.sendall(b"H")
                        time.sleep(0.1)
                except OSError:
                    return

        threading.Thread(target=trickle, daemon=True).start()
        slow = Receiver(
            name="erp", url=f"http://127.0.0.1:{listener.getsockname()[1]}", **FAST | {"attempts_max": 1}
        )
        began = time.monotonic()
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv("RECEIVERS__ERP__SECRET", "whsec_" + "QUJD" * 10)
            served = sent(company, slow)
        assert time.monotonic() - began < 20, "it would have trickled for 40 s"
    with open_outbox(company.settings.outbox) as outbox:
        assert dead_letters(outbox)[0]["problem"] == "no answer within 0.4 s"
    assert len(served.dead) == 1


def test_an_encrypted_receiver_is_believed_by_its_certificate_and_cut_off_too(
    company: Company, erp: Receiving, tmp_path: Path
) -> None:
    certificate, context = own_certificate(tmp_path)
    http = erp.server._http
    http.socket = context.wrap_socket(http.socket, server_side=True)
    url = erp.url.replace("http://", "https://")
    for further, fault, problem in (
        ({}, None, "its certificate is not valid: self-signed certificate"),
        ({"ca_file": certificate}, no_answer(2), "no answer within 0.4 s"),
        ({"ca_file": certificate}, None, None),
    ):
        company.release("2014-01")
        if fault:
            erp.server.fault("/hooks", fault)
        sent(company, receiver(erp, url=url, attempts_max=1, **further))
        with open_outbox(company.settings.outbox) as outbox:
            (last,) = outbox.rows("select problem from deliveries order by sequence desc limit 1")
        assert last["problem"] == problem
    assert sequences(erp) == [3]


def test_an_acknowledgement_that_is_lost_repeats_the_event_under_its_id(
    company: Company, erp: Receiving
) -> None:
    company.release("2014-01")
    company.close("2014-01", {"USD": "1.00"})
    lost = [Answer(is_hung_up=True)]
    erp.before_answer = lambda accepted: lost.pop() if lost else None
    sent(company, receiver(erp))
    assert sequences(erp) == [1, 1, 2]
    assert [one.is_repeat for one in erp.accepted] == [False, True, False]


def test_retry_after_is_honoured_for_the_whole_receiver(company: Company, erp: Receiving) -> None:
    for month in ("2014-01", "2014-02", "2014-03"):
        company.release(month)
    clock = Clock()
    one_at_a_time = receiver(erp, parallel=1)
    for fault in (retry_after(120), retry_at(0, 503)):
        erp.server.fault("/hooks", fault)
    assert sent(company, one_at_a_time, clock).failed == 1
    assert len(erp.server.requests) == 1, "the other subjects wait too"
    with open_outbox(company.settings.outbox) as outbox:
        assert outbox.rows("select next_attempt_at from deliveries")[0][0] == "2014-03-31T12:02:00.000000Z"
    clock.pass_by(119)
    assert sent(company, one_at_a_time, clock).failed == 0
    clock.pass_by(1)
    # The second fault names a moment of the real clock, years ahead: no more than a day is waited for.
    assert sent(company, one_at_a_time, clock).failed == 1
    clock.pass_by(86_399)
    assert sent(company, one_at_a_time, clock).acknowledged == 0
    clock.pass_by(1)
    assert sent(company, one_at_a_time, clock).acknowledged == 3


def test_waits_grow_threefold_with_a_jitter_that_is_the_same_each_time(erp: Receiving) -> None:
    patient = receiver(erp, retry_seconds_min=10, retry_seconds_max=100)

    def waited(attempts: int, event_id: str = "evt_1") -> float:
        return backoff_seconds(patient, Due(1, event_id, "s", "t", b"", attempts, 0))

    for attempts, base in enumerate((10, 30, 90, 100, 100)):
        assert 0.8 * base <= waited(attempts) <= 1.2 * base
        assert waited(attempts) == waited(attempts)
    assert len({waited(0, f"evt_{number}") for number in range(50)}) == 50


def test_what_is_given_up_is_listed_and_the_subject_goes_on_or_waits(
    company: Company, erp: Receiving
) -> None:
    company.release("2014-01")
    company.close("2014-01", {"USD": "1.00"})
    for after_giving_up, arrived in (("wait", []), ("continue", [2])):
        one = receiver(erp, attempts_max=2, after_giving_up=after_giving_up)
        if after_giving_up == "wait":
            erp.server.fault("/hooks", status(500), status(500))
        sent(company, one)
        assert sequences(erp) == arrived
        with open_outbox(company.settings.outbox) as outbox:
            (letter,) = dead_letters(outbox)
        assert (letter["sequence"], letter["attempts"], letter["problem"]) == (1, 2, "answered 500")


def test_gone_is_given_up_at_once(company: Company, erp: Receiving) -> None:
    company.release("2014-01")
    erp.server.fault("/hooks", status(410))
    assert len(sent(company, receiver(erp)).dead) == 1


def test_a_replay_keeps_ids_and_order(company: Company, erp: Receiving) -> None:
    company.release("2014-01")
    company.close("2014-01", {"USD": "1.00"})
    company.release("2014-02")
    one = receiver(erp)
    sent(company, one)
    with open_outbox(company.settings.outbox) as outbox:
        assert (
            len(replay(company.settings, outbox, one, Choice(subject="period/2014-01"), is_dry_run=True)) == 2
        )
        assert sent(company, one).acknowledged == 0
        replay(company.settings, outbox, one, Choice(subject="period/2014-01"), is_dry_run=False)
    assert sent(company, one).acknowledged == 2
    again = [one for one in erp.accepted if one.is_repeat]
    assert [one.event["sequence"] for one in again] == [1, 2]
    first = [request.body for request in erp.server.requests if b'"sequence":1,' in request.body]
    assert len(first) == 2
    assert first[0] == first[1]


def test_a_receiver_gets_its_types_from_its_day_on_and_all_of_it_after_it_was_disabled(
    company: Company, erp: Receiving
) -> None:
    company.act("release_credits", NOON - timedelta(days=1), period_code="2014-01", plan_id="reseller")
    company.act("release_credits", NOON, period_code="2014-02", plan_id="reseller")
    company.close("2014-01", {})
    company.export(1, "2014-01", "1.00")
    one = {"types": ("credits.*", "payout.exported"), "since": NOON.date()}
    assert sent(company, receiver(erp, **one, disabled=True)).note == "disabled"
    assert sequences(erp) == []
    company.release("2014-03")
    sent(company, receiver(erp, **one))
    assert sorted(sequences(erp)) == [2, 4, 5]


def test_a_receiver_that_is_down_does_not_hold_up_the_pass(company: Company, erp: Receiving) -> None:
    for number in range(1, 13):
        company.release(f"2013-{number:02}")
    erp.server.fault("/hooks", *[hang_up()] * 12)
    patient = receiver(erp, retry_seconds_min=60, retry_seconds_max=60, parallel=1)
    served = sent(company, patient, clock := Clock())
    assert (served.failed, served.pending) == (5, 12)
    assert "5 failures in a row" in served.note
    served = sent(company, patient, clock)
    assert served.failed == 5, "the next pass begins with those that were not tried"


@pytest.mark.parametrize("seed", range(6))
def test_whatever_the_receiver_does_nothing_is_lost_and_each_subject_stays_in_order(
    company: Company, erp: Receiving, seed: int
) -> None:
    chance = random.Random(seed)
    faults = [status(500), status(503), hang_up(), no_answer(0.4), retry_after(0), status(302), status(410)]
    for _ in range(15):
        company.release(chance.choice(("2014-01", "2014-02", "2014-03")))
    erp.before_answer = lambda accepted: Answer(is_hung_up=True) if chance.random() < 0.2 else None
    one = receiver(erp, timeout_seconds=0.2, attempts_max=50, parallel=3)
    for number in range(20):
        if number < 6:
            erp.server.fault("/hooks", *chance.choices(faults[:-1], k=3))
        if chance.random() < 0.5:
            company.release("2014-04")
        sent(company, one)
    sent(company, one)
    told = erp.by_subject()
    with open_outbox(company.settings.outbox) as outbox:
        wanted: dict[str, list[int]] = {}
        for row in outbox.rows("select subject, sequence from outbox_events order by sequence"):
            wanted.setdefault(row["subject"], []).append(row["sequence"])
    assert told == wanted
    assert erp.refused == []
    # A repeat may come late, but never after a later event of its subject.
    for subject in wanted:
        arrived = [one.event["sequence"] for one in erp.accepted if one.event["subject"] == subject]
        assert arrived == sorted(arrived)
