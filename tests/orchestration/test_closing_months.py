"""Months of the sample company closed one by one, changed afterwards, verified, lost, rebuilt, and killed.

One installation is taken through all of it; the tests depend on each other's order.
"""

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from tests.support.companies.installation import Installation, edited_sample

pytestmark = pytest.mark.proof
ROUNDS = int(os.environ.get("KILL_ROUNDS", "6"))
# A closing takes about this long, so that kills fall before, into and after it.
CLOSING_SECONDS = 0.8
RUN_SECONDS = 35
# An online deal of 2011-06 whose commission two payees share; it is deleted in the CRM in July.
DELETED_DEAL = "SO43702"


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """Calculated to the end of August 2011; nothing is closed."""
    installation = Installation(tmp_path_factory.mktemp("home"))
    installation.done("run", COMMISSIONS_AS_OF_DATE="2011-08-31")
    return installation


def approve(company: Installation, period: str) -> None:
    """Everything that a month needs before it is closed."""
    company.done("release", "credits", period, "--by", "ana")
    company.done("release", "rewards", period, "--by", "ana")
    company.done("approve", period, "--by", "stephen")
    company.done("approve", period, "--by", "laura")


def payouts(company: Installation, periods: Sequence[str]) -> list[tuple[str, Decimal]]:
    listed = ", ".join(f"'{period}'" for period in periods)
    return company.ask(
        f"select payout_key, payout_amount from marts.fct_payouts where period_code in ({listed}) order by all"
    )


def test_a_month_is_closed_only_when_released_and_approved_in_order(company: Installation) -> None:
    assert "2011-05 is not approved: online_territory is draft" in company.refused(
        "close", "2011-05", "--by", "laura"
    )
    assert "is draft: release its credits first" in company.refused(
        "release", "rewards", "2011-05", "--by", "ana"
    )
    company.done("release", "credits", "2011-05", "--by", "ana")
    assert "is credits_released: release its rewards first" in company.refused(
        "approve", "2011-05", "--by", "stephen"
    )
    company.done("release", "rewards", "2011-05", "--by", "ana")
    needs = company.refused("approve", "2011-05", "--by", "laura")
    assert "needs the approval of manager; laura has the role administrator" in needs
    assert "eve has no role" in company.refused("approve", "2011-05", "--by", "eve")
    company.done("approve", "2011-05", "--by", "stephen")
    company.done("withdraw", "2011-05", "--plan", "reseller", "--reason", "one more deal", "--by", "ana")
    assert "reseller is draft" in company.refused("close", "2011-05", "--by", "laura")
    approve(company, "2011-05")
    assert "44 lines of 2 plans would be closed" in company.done(
        "close", "2011-05", "--by", "laura", "--dry-run"
    )
    assert not list((company.home / "books" / "periods").glob("*"))
    assert "2011-05 is the first open period" in company.refused("close", "2011-06", "--by", "laura")
    assert "2011-05: closed by laura" in company.done("close", "2011-05", "--by", "laura")
    assert "a closed period is never opened" in company.refused("close", "2011-05", "--by", "laura")
    assert "a closed period is never opened" in company.refused(
        "release", "credits", "2011-05", "--by", "ana"
    )
    states = company.ask(
        "select distinct state_code from marts.fct_calculations where period_code = '2011-05'"
    )
    assert states == [("paid",)]


def test_a_month_that_has_not_ended_is_not_closed(company: Installation) -> None:
    approve(company, "2011-06")
    company.done("close", "2011-06", "--by", "laura")
    approve(company, "2011-07")
    company.done("run", COMMISSIONS_AS_OF_DATE="2011-07-30")
    assert "2011-07 has not ended: the lines are calculated to 2011-07-30" in company.refused(
        "close", "2011-07", "--by", "laura"
    )
    # The day before had fewer lines: what was approved is not what is there.
    (stale,) = company.ask(
        "select bool_and(is_stale and state_code = 'draft') from marts.fct_calculations where period_code = '2011-07'"
        " and plan_id = 'reseller'"
    )
    assert stale == (True,)


def test_an_adjustment_needs_somebody_else_and_is_reversed_by_another(company: Installation) -> None:
    refused = company.refused(
        "adjust", "275", "reseller", "2011-05", "12.345", "USD", "--reason", "x", "--by", "ana"
    )
    assert "'12.345' has more decimals than USD (2)" in refused
    asked = company.done(
        "adjust", "275", "reseller", "2011-05", "-12.34", "USD", "--reason", "paid twice", "--by", "stephen"
    )
    number = asked.split()[1].rstrip(":")
    assert "another person has to decide" in company.refused("approve-adjustment", number, "--by", "stephen")
    assert "eve has no role" in company.refused("approve-adjustment", number, "--by", "eve")
    company.done("approve-adjustment", number, "--by", "laura")
    assert "is approved already" in company.refused("approve-adjustment", number, "--by", "laura")
    back = company.done("reverse-adjustment", number, "--reason", "once only", "--by", "ana")
    other = back.split()[1].rstrip(":")
    assert "is being reversed by" in company.refused(
        "reverse-adjustment", number, "--reason", "again", "--by", "ana"
    )
    company.done("reject-adjustment", other, "--reason", "it was twice", "--by", "laura")
    states = company.ask(
        "select adjustment_number, state_code, requested_by, decided_by from marts.fct_adjustments order by 1"
    )
    assert states == [
        (int(number), "approved", "stephen", "laura"),
        (int(other), "rejected", "ana", "laura"),
    ]


def test_what_changes_after_a_closing_is_posted_in_the_first_open_month(
    company: Installation, tmp_path: Path
) -> None:
    closed = payouts(company, ["2011-05", "2011-06"])
    paid = company.ask(
        "select line_key, line_amount from marts.fct_ledger_lines where posted_period_code = '2011-06' "
        f"and transaction_id = 'crm/Opportunity/{DELETED_DEAL}' order by all"
    )
    assert paid, "the deal was paid in June"

    def delete(rows: list[dict[str, str]]) -> None:
        deal = next(row for row in rows if row["Id"] == DELETED_DEAL)
        deal["IsDeleted"] = "true"

    extracts = edited_sample(tmp_path / "extracts", "crm/Opportunity", delete)
    company.done("run", COMMISSIONS_AS_OF_DATE="2011-08-31", COMMISSIONS_EXTRACTS=str(extracts))
    assert payouts(company, ["2011-05", "2011-06"]) == closed
    corrections = company.ask(
        "select line_key, line_amount, posted_period_code, origin_period_code, reason_code "
        f"from marts.fct_ledger_lines where transaction_id = 'crm/Opportunity/{DELETED_DEAL}' and not is_posted "
        "order by all"
    )
    assert corrections == [(key, -amount, "2011-07", "2011-06", "deal_deleted") for key, amount in paid]
    adjusted = company.ask(
        "select payee_id, posted_period_code, line_amount from marts.fct_ledger_lines where entry_code = 'adjustment'"
    )
    assert adjusted == [("275", "2011-07", Decimal("-12.3400"))]


def test_a_corrected_payout_is_unfolded(company: Installation) -> None:
    (payee,) = company.ask(
        "select min(payee_id) from marts.fct_ledger_lines where reason_code = 'deal_deleted'"
    )[0]
    answer = company.done("explain", payee, "2011-07", "--plan", "online_territory")
    assert f"deal {DELETED_DEAL}, booking of 2011-06" in answer
    assert "posted for 2011-06: deal_deleted" in answer
    (amount,) = company.ask(
        f"select payout_amount from marts.fct_payouts where payee_id = '{payee}' and period_code = '2011-07' "
        "and plan_id = 'online_territory'"
    )[0]
    first, *_, last = answer.strip().splitlines()
    assert first.split()[-2] == last.split()[-2] == f"{amount:,.2f}"
    assert "months with payouts: " in company.refused("explain", payee, "2010-01")


def test_every_action_and_every_run_is_an_event(company: Installation) -> None:
    events = [json.loads(line) for line in company.done("events", "list", "--json").splitlines()]
    actions = len(list((company.home / "books" / "actions").glob("*.json")))
    runs = [event["data"] for event in events if event["type"] == "calculation.completed"]
    assert len(events) == actions + len(runs)
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    # To the end of August, to the 30th of July, and again: a day less of July is other lines.
    assert [run["as_of_date"] for run in runs[:2]] == ["2011-08-31", "2011-07-30"]
    assert runs[1]["is_changed"]
    may = [event["type"] for event in events if event["subject"] == "period/2011-05"]
    assert may[:2] == ["credits.released", "credits.released"], "two plans"
    assert may.index("release.withdrawn") < may.index("period.closed")
    (closed,) = [
        event["data"]
        for event in events
        if event["type"] == "period.closed" and "2011-05" in event["subject"]
    ]
    assert closed["line_count"] == 44
    assert [(total["currency_code"], Decimal(total["amount"])) for total in closed["totals"]] == company.ask(
        "select currency_code, sum(payout_amount) from marts.fct_payouts where period_code = '2011-05' group by all"
    )
    assert "each as the books say. Verified." in company.done("events", "verify")


def test_a_destroyed_home_is_restored_proved_and_its_warehouse_rebuilt(
    company: Installation, tmp_path: Path
) -> None:
    paid = company.published.read_bytes()
    company.done("backup", str(tmp_path / "backups"))
    shutil.rmtree(company.home)
    assert "closed months: 2011-05 to 2011-06" in company.done("restore", str(tmp_path / "backups"))
    is_the_same = company.published.read_bytes() == paid
    assert is_the_same
    # Calculated again from what was restored: landings, books, and the seeds.
    answer = company.done("verify", "--rebuild")
    assert "books: 2 in one chain, 2011-05 to 2011-06" in answer
    assert "ledger: rebuilt from landings, books and seeds, the same bytes" in answer
    assert not (company.home / "warehouse.duckdb").exists()
    assert "Run `commissions run` first" in company.refused("periods")
    log = company.home / "landings" / "manifest.json"
    before = log.read_bytes()
    # The extracts are the unedited ones again: the history of the deleted deal comes from the archive.
    company.done("run", COMMISSIONS_AS_OF_DATE="2011-08-31")
    assert log.read_bytes() != before
    versions = 'select count(*) from raw_crm."Opportunity" where "Id" = ?'
    with duckdb.connect(str(company.home / "warehouse.duckdb"), read_only=True) as warehouse:
        assert warehouse.execute(versions, [DELETED_DEAL]).fetchone() == (3,)
    assert company.ask(
        "select count(*) from marts.fct_ledger_lines where transaction_id = "
        f"'crm/Opportunity/{DELETED_DEAL}' and not is_posted"
    ) == [(0,)], "undeleted: owed as it was posted"


def test_a_full_disk_closes_nothing(company: Installation) -> None:
    approve(company, "2011-07")
    answer = subprocess.run(
        **company.command("close", "2011-07", "--by", "laura"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 1
    assert "Traceback" not in answer.stderr
    assert "again" in answer.stderr
    assert not (company.home / "books" / "periods" / "2011-07").exists()
    company.done("verify")


def test_a_killed_closing_is_whole_or_not_there(company: Installation, tmp_path: Path) -> None:
    """Kills the closing at random moments; the next command says closed, or closes."""
    chance = random.Random(20111)
    closed = 0
    for _ in range(ROUNDS):
        copy = Installation(tmp_path / "copy")
        subprocess.run(["cp", "-r", str(company.home), str(copy.home)], check=True)
        with subprocess.Popen(
            **copy.command("close", "2011-07", "--by", "laura"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            time.sleep(chance.uniform(0.2, CLOSING_SECONDS))
            process.send_signal(signal.SIGKILL)
        copy.done("verify")
        again = copy.commissions("close", "2011-07", "--by", "laura")
        if again.returncode:
            assert "2011-07 is closed" in again.stderr
            closed += 1
        answer = copy.done("verify")
        assert "books: 3 in one chain, 2011-05 to 2011-07" in answer
        told = copy.ask(
            "select distinct state_code from marts.fct_calculations where period_code = '2011-07'"
        )
        assert told == [("paid",)]
        log = [path.read_text() for path in sorted((copy.home / "books" / "actions").iterdir())]
        assert sum('"close"' in text and '"2011-07"' in text for text in log) == 1
        subprocess.run(["rm", "-rf", str(copy.home)], check=True)
    print(f"{ROUNDS} closings killed, {closed} of them after the book was in place")


def test_a_run_killed_at_random_is_made_good(company: Installation, tmp_path: Path) -> None:
    """Kills whole runs while loading, calculating and publishing: readers see the last copy, the rerun the same ledger."""
    chance = random.Random(20112)
    ledger = "select md5(string_agg(ledger_line_key || line_amount, '|' order by ledger_line_key)) from fct_ledger_lines"
    expected = company.ask(ledger)
    for _ in range(max(1, ROUNDS // 6)):
        copy = Installation(tmp_path / "copy")
        subprocess.run(["cp", "-r", str(company.home), str(copy.home)], check=True)
        with subprocess.Popen(
            **copy.command("run", COMMISSIONS_AS_OF_DATE="2011-08-31"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as process:
            time.sleep(chance.uniform(3, RUN_SECONDS))
            os.killpg(process.pid, signal.SIGKILL)
        assert copy.ask(ledger) == expected
        copy.done("verify")
        if (copy.home / "unfinished").exists():
            assert "the last run did not finish" in copy.refused("close", "2011-07", "--by", "laura")
        copy.done("run", COMMISSIONS_AS_OF_DATE="2011-08-31")
        assert copy.ask(ledger) == expected
        assert "2011-07: closed by laura" in copy.done("close", "2011-07", "--by", "laura")
        subprocess.run(["rm", "-rf", str(copy.home)], check=True)


def test_an_action_during_a_run_is_refused(company: Installation) -> None:
    with subprocess.Popen(
        **company.command("run", COMMISSIONS_AS_OF_DATE="2011-08-31"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        while not (company.home / "run.lock").read_text().endswith(str(process.pid)):
            assert process.poll() is None
            time.sleep(0.1)
        answer = company.commissions("close", "2011-07", "--by", "laura")
        assert process.wait() == 0
    assert answer.returncode == 3
    assert "another run is in progress" in answer.stderr


def test_the_same_actions_are_dagster_jobs(company: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    from orchestration.definitions import defs
    from orchestration.defs.closing_jobs import close_period

    monkeypatch.setenv("COMMISSIONS_HOME", str(company.home))
    config = {"ops": {close_period.name: {"config": {"period": "2011-07", "by": "laura"}}}}
    assert defs.resolve_job_def("close").execute_in_process(run_config=config).success
    again = defs.resolve_job_def("close").execute_in_process(run_config=config, raise_on_error=False)
    assert not again.success
    # Before the next run, too.
    proved = company.done("verify", "--rebuild")
    assert "books: 3 in one chain" in proved and "the same bytes" in proved
    assert defs.resolve_job_def("verify").execute_in_process().success
