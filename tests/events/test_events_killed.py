"""Deliverers that are killed and deliverers that run at the same time: at least once, in order, nothing skipped."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from orchestration.telling.events.outbox import open_outbox
from tests.support.companies.recorded_company import Company
from tests.support.servers.fault_server import Answer
from tests.support.servers.receiving import SECRET, Receiving

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = int(os.environ.get("KILL_ROUNDS", "3"))


def start(company: Company, erp: Receiving, **further: object) -> subprocess.Popen[str]:
    """Start `commissions events deliver`."""
    company.home.mkdir(exist_ok=True)
    file = company.home / "notifications.toml"
    keys = {"url": f'"{erp.url}"', "timeout_seconds": 5, "retry_seconds_min": 0, "parallel": 3, **further}
    file.write_text("[receivers.erp]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items()))
    env = {name: value for name, value in os.environ.items() if not name.startswith("COMMISSIONS_")}
    env |= {
        "COMMISSIONS_HOME": str(company.home),
        "COMMISSIONS_NOTIFICATIONS": str(file),
        "RECEIVERS__ERP__SECRET": SECRET,
    }
    return subprocess.Popen(
        [sys.executable, "-m", "orchestration", "events", "deliver"],
        cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def wait_for(erp: Receiving, count: int) -> None:
    until = time.monotonic() + 60
    while len(erp.server.requests) < count:
        assert time.monotonic() < until, "no request came"
        time.sleep(0.01)


def finished(process: "subprocess.Popen[str]") -> str:
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    return output


def check_all_in_order(company: Company, erp: Receiving) -> None:
    with open_outbox(company.settings.outbox) as outbox:
        wanted: dict[str, list[int]] = {}
        for row in outbox.rows("select subject, sequence from outbox_events order by sequence"):
            wanted.setdefault(row["subject"], []).append(row["sequence"])
        (open_rows,) = outbox.rows("select count(*) from deliveries where status <> 'acknowledged'")
    assert open_rows[0] == 0
    assert erp.by_subject() == wanted
    for subject in wanted:
        arrived = [one.event["sequence"] for one in erp.accepted if one.event["subject"] == subject]
        assert arrived == sorted(arrived)


def test_a_deliverer_that_is_killed_again_and_again_skips_nothing(company: Company, erp: Receiving) -> None:
    chance = random.Random(7)
    for _ in range(ROUNDS * 6):
        company.release(chance.choice(("2014-01", "2014-02", "2014-03")))
    erp.before_answer = lambda accepted: time.sleep(0.03)
    for _ in range(ROUNDS):
        before = len(erp.server.requests)
        process = start(company, erp)
        # In mid-delivery: some requests have come, and the last ones are on their way.
        wait_for(erp, before + chance.randint(1, 6))
        time.sleep(chance.random() * 0.05)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        # What the dead one had sent is taken in before the next one starts: a receiver answers in the order it was asked.
        time.sleep(0.2)
    assert "0 failed" in finished(start(company, erp))
    check_all_in_order(company, erp)
    assert any(one.is_repeat for one in erp.accepted), "no kill fell between an event and its acknowledgement"


def test_of_two_deliverers_one_serves_the_receiver(company: Company, erp: Receiving) -> None:
    for month in ("2014-01", "2014-02", "2014-03"):
        for _ in range(3):
            company.release(month)
    second_is_done = threading.Event()
    erp.before_answer = lambda accepted: None if second_is_done.wait(60) else Answer(500)
    first = start(company, erp, timeout_seconds=60)
    wait_for(erp, 3)
    second = finished(start(company, erp, timeout_seconds=60))
    assert f"process {first.pid} is delivering to it" in second
    second_is_done.set()
    assert "9 acknowledged, 0 failed" in finished(first)
    check_all_in_order(company, erp)
    assert len(erp.accepted) == 9


def test_a_replay_is_refused_while_the_receiver_is_delivered_to(company: Company, erp: Receiving) -> None:
    company.release("2014-01")
    is_refused = threading.Event()
    erp.before_answer = lambda accepted: None if is_refused.wait(60) else Answer(500)
    process = start(company, erp, timeout_seconds=60)
    wait_for(erp, 1)
    replayed = subprocess.run(
        [sys.executable, "-m", "orchestration", "events", "replay", "--to", "erp", "--after", "0"],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "COMMISSIONS_HOME": str(company.home),
             "COMMISSIONS_NOTIFICATIONS": str(company.home / "notifications.toml")},
    )  # fmt: skip
    assert replayed.returncode == 3, replayed.stdout + replayed.stderr
    assert "is delivering to it; try again in a minute" in replayed.stderr
    is_refused.set()
    assert "1 acknowledged" in finished(process)
