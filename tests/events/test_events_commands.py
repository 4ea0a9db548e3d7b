"""`commissions events` and `commissions alerts` as people type them, and the sensor that starts a delivery."""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from click.testing import CliRunner, Result
from dagster import DagsterRunStatus

from orchestration.cli.main import main
from orchestration.defs import event_jobs as jobs
from orchestration.defs.event_jobs import deliver_events, events_are_due, why_due
from orchestration.telling.events.receivers import Receiver
from orchestration.warehouse.settings import TELEMETRY_OFF
from tests.support.companies.recorded_company import Company
from tests.support.servers.fault_server import Answer, Request, status
from tests.support.servers.receiving import SECRET, Receiving

Type = Callable[..., Result]


@pytest.fixture
def file(company: Company, erp: Receiving, monkeypatch: pytest.MonkeyPatch) -> Path:
    """notifications.toml with one receiver; the environment is put back afterwards."""
    company.home.mkdir()
    for name in ("DAGSTER_HOME", "COMMISSIONS_WAREHOUSE", "COMMISSIONS_AS_OF_DATE", *TELEMETRY_OFF):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    path = company.home / "notifications.toml"
    path.write_text(f'[receivers.erp]\nurl = "{erp.url}"\nretry_seconds_min = 0\nattempts_max = 2\n')
    monkeypatch.setenv("COMMISSIONS_HOME", str(company.home))
    monkeypatch.setenv("COMMISSIONS_NOTIFICATIONS", str(path))
    return path


@pytest.fixture
def typed(file: Path) -> Type:
    """Type a command; the exit code must be as expected."""

    def run(*arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == code, result.output
        return result

    return run


def test_a_consumer_that_missed_everything_polls(company: Company, erp: Receiving, typed: Type) -> None:
    assert typed("events", "list").stdout == "No events.\n"
    company.release("2014-01")
    company.close("2014-01", {"USD": "1.00"})
    company.release("2014-02")
    lines = typed("events", "list", "--after", "1", "--json").stdout.splitlines()
    assert [json.loads(line)["sequence"] for line in lines] == [2, 3]
    typed("events", "deliver")
    sent = {request.headers["webhook-id"]: request.body.decode() for request in erp.server.requests}
    assert [sent[json.loads(line)["id"]] for line in lines] == lines, "polled as it was sent, to the byte"
    assert [
        line.split()[0]
        for line in typed("events", "list", "--type", "credits.*", "--limit", "1").stdout.splitlines()
    ] == ["sequence", "1"]
    assert typed("events", "list", "--subject", "period/2014-02").stdout.count("credits.released") == 1
    assert "events: 3, each as the books say. Verified." in typed("events", "verify").stdout


def test_a_dry_run_sends_nothing_and_a_pass_says_what_it_did(
    company: Company, erp: Receiving, file: Path, typed: Type
) -> None:
    company.release("2014-01")
    assert (
        "would be sent now: 1 credits.released period/2014-01"
        in typed("events", "deliver", "--dry-run").stdout
    )
    assert erp.server.requests == []
    assert typed("events", "deliver").stdout == "erp: 1 acknowledged, 0 failed\n"
    assert typed("events", "deliver").stdout == "erp: 0 acknowledged, 0 failed\n"
    company.release("2014-02")
    file.write_text(file.read_text().replace("retry_seconds_min = 0", "retry_seconds_min = 60"))
    erp.server.fault("/hooks", status(500))
    assert (
        "erp: 0 acknowledged, 1 failed, 1 waiting, the next attempt at 20"
        in typed("events", "deliver").stdout
    )


def test_what_was_given_up_is_alerted_listed_and_replayed(
    company: Company, erp: Receiving, file: Path, typed: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    erp.server.route("POST", "/slack")(lambda request: Answer(200, "ok"))
    monkeypatch.setenv("ALERTS__OPS__URL", f"{erp.server.url}/slack")
    file.write_text(f'{file.read_text()}\n[alerts.channels.ops]\nkind = "slack"\n')
    company.release("2014-01")
    erp.server.fault("/hooks", status(500), status(500))
    assert "1 given up" in typed("events", "deliver").stdout
    typed("events", "deliver")
    (alert,) = erp.server.asked("/slack")
    assert "erp did not take credits.released of period/2014-01" in alert.body.decode()
    assert "commissions events replay --to erp --dead" in alert.body.decode()
    assert "credits.released" in (dead := typed("events", "dead").stdout)
    assert "answered 500" in dead
    assert (
        "1 events for erp would be sent again"
        in typed("events", "replay", "--to", "erp", "--dead", "--dry-run").stdout
    )
    assert typed("events", "dead").stdout == dead
    typed("events", "replay", "--to", "erp", "--dead")
    assert "1 acknowledged" in typed("events", "deliver").stdout
    assert typed("events", "dead").stdout == "Nothing was given up.\n"
    assert "dead_letter: erp did not take" in typed("alerts", "list").stdout
    assert len({request.headers["webhook-id"] for request in erp.server.asked("/hooks")}) == 1


def test_reconciling_finds_what_was_lost_on_either_side(
    company: Company, erp: Receiving, file: Path, typed: Type
) -> None:
    company.release("2014-01")
    company.release("2014-02")
    typed("events", "deliver")
    company.release("2014-03")
    assert "2 acknowledged, 1 not; it has no acknowledged_url" in typed("events", "reconcile", code=1).stdout
    file.write_text(f'{file.read_text()}acknowledged_url = "{erp.server.url}/acknowledged"\n')
    typed("events", "deliver")
    assert typed("events", "reconcile").stdout == "erp: 3 acknowledged, 0 not\n"
    (asked,) = erp.server.asked("/acknowledged")
    assert asked.headers["webhook-signature"].startswith("v1,")

    (lost,) = [one for one in erp.accepted if one.event["sequence"] == 2]
    erp.accepted.remove(lost)
    found = typed("events", "reconcile", "--replay", code=1).stdout
    assert (
        f"acknowledged, and the receiver does not have it: 2 credits.released period/2014-02 {lost.webhook_id}"
        in found
    )
    assert "1 queued again" in found
    typed("events", "deliver")
    typed("events", "reconcile")
    assert erp.accepted[-1].webhook_id == lost.webhook_id

    erp.accepted[0].webhook_id = "evt_of_somebody_else"
    assert "never sent from here: evt_of_somebody_else" in typed("events", "reconcile", code=1).stdout
    erp.server.fault("/acknowledged", status(200, ["no", "object"]))
    assert 'acknowledged_url must answer {"events"' in typed("events", "reconcile", code=1).stderr


@pytest.mark.parametrize(
    ("section", "refusal"),
    [
        ('[receivers.erp]\nurl = "file:///etc/passwd"', "[receivers.erp] url: it must begin with https://"),
        ('[receivers.erp]\nurl = "http://erp.example.com/"', "[receivers.erp] url: it must begin with https://"),
        ('[receivers.erp]\nurl = "https://ana@example.com/"', "[receivers.erp] url: it must begin with https://"),
        ('[receivers.erp]\nurl = "https://example.com"\nsecret = "x"', "[receivers.erp] secret looks like a secret"),
        ('[receivers.erp]\nurl = "https://example.com"\ntypes = ["period.close"]', "there is no event period.close; known are"),
        ('[receivers.erp]\nurl = "https://example.com"\ntimeout = 3', "[receivers.erp] timeout is not known; known are url"),
        ('[receivers."Big ERP"]\nurl = "https://example.com"', "write the name in small letters, digits and _"),
        ("[receivers.erp]\ntypes = []", "[receivers.erp] url: field required"),
        ("[reciever.erp]", "[reciever] is not known; known are [receivers.<name>], [alerts]"),
        ("[receivers.erp", "notifications.toml is not TOML"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_refused_with_its_place(
    company: Company, file: Path, typed: Type, section: str, refusal: str
) -> None:
    company.release("2014-01")
    file.write_text(section)
    for command in ("deliver", "receivers"):
        assert refusal in typed("events", command, code=1).stderr
    assert not company.settings.outbox.exists()


def test_refusals_say_what_to_do(
    company: Company, erp: Receiving, file: Path, typed: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    company.release("2014-01")
    assert "there is no receiver epr; known: erp" in typed("events", "deliver", "--to", "epr", code=1).stderr
    assert "Say which events" in typed("events", "replay", "--to", "erp", code=2).stderr
    assert (
        "there is no event evt_0 that fits"
        in typed("events", "replay", "--to", "erp", "--id", "evt_0", code=1).stderr
    )
    assert "no event fits" in typed("events", "replay", "--to", "erp", "--subject", "period/1", code=1).stderr
    monkeypatch.delenv("RECEIVERS__ERP__SECRET")
    for command in ("deliver", "receivers"):
        assert (
            "set the environment variable RECEIVERS__ERP__SECRET" in typed("events", command, code=1).stdout
        )
    monkeypatch.setenv("RECEIVERS__ERP__SECRET", "whsec_short")
    refused = typed("events", "deliver", code=1).stdout
    assert "RECEIVERS__ERP__SECRET is not a signing secret" in refused
    assert "whsec_short" not in refused
    assert erp.server.requests == []
    made = typed("events", "new-secret").stdout.strip()
    monkeypatch.setenv("RECEIVERS__ERP__SECRET", made)
    assert "2 failed, 1 given up" in typed("events", "deliver").stdout, "the receiver has another secret"
    assert len(erp.refused) == 2
    monkeypatch.setenv("RECEIVERS__ERP__PREVIOUS_SECRET", SECRET)
    typed("events", "replay", "--to", "erp", "--dead")
    assert "1 acknowledged" in typed("events", "deliver").stdout


def test_channels_are_tested_by_a_command(
    erp: Receiving, file: Path, typed: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "No channels" in typed("alerts", "test").stdout
    taken: list[Request] = []
    erp.server.route("POST", "/slack")(lambda request: taken.append(request) or Answer(200, "ok"))
    monkeypatch.setenv("ALERTS__OPS__URL", f"{erp.server.url}/slack")
    file.write_text(
        '[alerts.channels.ops]\nkind = "slack"\nkinds = ["dead_letter"]\n[alerts.channels.pager]\nkind = "slack"\n'
    )
    result = typed("alerts", "test", code=1)
    assert "ops: Test alert of the commission warehouse: sent" in result.stdout
    assert (
        "pager: Test alert of the commission warehouse: NOT SENT, the secret url of pager is not set"
        in result.stdout
    )
    typed("alerts", "test", "--channel", "ops")
    assert len(taken) == 2
    assert (
        "there is no channel sms; known: ops, pager"
        in typed("alerts", "test", "--channel", "sms", code=1).stderr
    )


def test_the_sensor_starts_a_delivery_when_something_is_due_and_not_otherwise(
    company: Company, erp: Receiving, file: Path
) -> None:
    def looked() -> dg.SkipReason | dg.RunRequest:
        with dg.build_sensor_context(instance=instance) as context:
            found = events_are_due(context)
        assert isinstance(found, dg.SkipReason | dg.RunRequest)
        return found

    def delivered() -> dg.ExecuteInProcessResult:
        return deliver_events.execute_in_process(instance=instance, raise_on_error=False)

    with dg.DagsterInstance.ephemeral() as instance:
        assert looked() == dg.SkipReason("nothing is due")
        company.release("2014-01")
        found = looked()
        assert isinstance(found, dg.RunRequest)
        assert found.tags["reason"] == "the books hold new events"
        erp.server.fault("/hooks", status(500))
        file.write_text(file.read_text().replace("retry_seconds_min = 0", "retry_seconds_min = 60"))
        assert delivered().success
        assert looked() == dg.SkipReason("nothing is due")
        receivers = {"erp": Receiver(name="erp", url=erp.url)}
        later = datetime.now(UTC) + timedelta(seconds=73)
        assert why_due(company.settings, receivers, later) == "deliveries to erp are due"
        assert why_due(company.settings, {"crm": Receiver(name="crm", url=erp.url)}, later) == "crm is new"
        company.publish("killed-1", [])
        assert why_due(company.settings, receivers, datetime.now(UTC)) == "marts were published"
        assert delivered().success
        assert why_due(company.settings, receivers, datetime.now(UTC)) is None
        file.write_text("[receivers.erp]")
        assert isinstance(looked(), dg.SkipReason)
        assert not delivered().success


def test_a_delivery_of_dagster_that_was_killed_or_failed_does_not_stop_the_others(
    company: Company, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def looked() -> dg.SkipReason | dg.RunRequest:
        with dg.build_sensor_context(instance=instance) as context:
            return events_are_due(context)  # type: ignore[return-value]

    with dg.DagsterInstance.ephemeral() as instance:
        company.release("2014-01")
        run = instance.create_run_for_job(deliver_events, status=DagsterRunStatus.STARTED)
        assert looked() == dg.SkipReason(f"run {run.run_id} delivers, or waits for another run to end")
        monkeypatch.setattr(jobs, "DEAD_AFTER", timedelta(0))
        found = looked()
        marked = instance.get_run_by_id(run.run_id)
        assert marked is not None
        assert marked.status == DagsterRunStatus.FAILURE
        assert found == dg.SkipReason(f"run {run.run_id} failed; it is tried again after 0:10:00")
        monkeypatch.setattr(jobs, "AGAIN_AFTER", timedelta(0))
        assert isinstance(looked(), dg.RunRequest)


def test_a_dead_letter_is_told_when_the_channels_can_be_used_again(
    company: Company, erp: Receiving, file: Path, typed: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    erp.server.route("POST", "/slack")(lambda request: Answer(200, "ok"))
    monkeypatch.setenv("ALERTS__OPS__URL", f"{erp.server.url}/slack")
    good = file.read_text() + '[alerts.channels.ops]\nkind = "slack"\n'
    file.write_text(good.replace("slack", "pigeon"))
    company.release("2014-01")
    erp.server.fault("/hooks", status(410))
    assert "1 given up" in typed("events", "deliver").stdout
    file.write_text(good)
    typed("events", "deliver")
    typed("events", "deliver")
    assert len(erp.server.asked("/slack")) == 1
