"""The doctor over what runs by itself and who is told."""

import sqlite3
from pathlib import Path

import pytest

from orchestration.operating.doctor.finding import ERROR, OK, WARNING
from orchestration.telling.events.schema import statements
from orchestration.warehouse.settings import RunSettings
from tests.orchestration.examined import found, one, patient_of
from tests.support.companies.small_home import make_home, state_of

RECEIVER = '[receivers.erp]\nurl = "https://erp.example.com/hooks"\n'
CHANNEL = '[alerts.channels.ops]\nkind = "slack"\n'


@pytest.fixture
def settings(tmp_path: Path) -> RunSettings:
    return make_home(tmp_path / "home")


def test_cadences_are_read_as_dagster_reads_them(settings: RunSettings, tmp_path: Path) -> None:
    assert one(patient_of(settings), "notifying", "cadences", OK)
    path = tmp_path / "cadences.toml"
    path.write_text('[land]\ncmr = "0 4 * * *"\n')
    finding = one(patient_of(settings, COMMISSIONS_CADENCES=str(path)), "notifying", "cadences", ERROR)
    assert "the nearest is crm" in finding.what


def test_without_notifications_nobody_is_told(settings: RunSettings, tmp_path: Path) -> None:
    path = tmp_path / "notifications.toml"
    path.write_text(RECEIVER.replace("[receivers.erp]", "[receiver.erp]"))
    patient = patient_of(settings, COMMISSIONS_NOTIFICATIONS=str(path))
    assert "[receiver] is not known" in one(patient, "notifying", "receivers and channels", ERROR).what
    path.write_text("")
    assert "no channel of alerts" in one(patient, "notifying", "receivers and channels", OK).what


def test_a_receiver_and_a_channel_need_their_secrets(
    settings: RunSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "notifications.toml"
    path.write_text(RECEIVER + CHANNEL)
    patient = patient_of(settings, COMMISSIONS_NOTIFICATIONS=str(path))
    told = found(patient, "notifying", "receivers and channels")
    assert [finding.level for finding in told] == [ERROR, ERROR]
    assert "RECEIVERS__ERP__SECRET" in told[0].what and "ALERTS__OPS__URL" in str(told[1].fix)
    monkeypatch.setenv("ALERTS__OPS__URL", "https://hooks.example.com/x")
    told = found(patient, "notifying", "receivers and channels")
    assert [finding.level for finding in told] == [ERROR, OK]
    path.write_text(RECEIVER + "disabled = true\n" + CHANNEL)
    assert [finding.level for finding in found(patient, "notifying", "receivers and channels")] == [OK, OK]


def test_dead_letters_are_told_and_the_outbox_is_not_touched(settings: RunSettings) -> None:
    assert one(patient_of(settings), "notifying", "events", OK)
    settings.outbox.parent.mkdir(parents=True)
    live = sqlite3.connect(settings.outbox)
    live.execute("pragma journal_mode = wal")
    for statement in statements():
        live.execute(statement)
    live.execute(
        "insert into outbox_events values (1, 'e1', 's1', 'period/2014-03', 1, 'period.closed', 't', '{}', 't')"
    )
    live.execute(
        "insert into deliveries values ('erp', 1, 'period/2014-03', 'dead', 18, 't', null, 500, 'no', 0, 0)"
    )
    live.commit()
    before = state_of(settings.home)
    finding = one(patient_of(settings), "notifying", "events", WARNING)
    assert finding.what.startswith("1 events were given up")
    assert state_of(settings.home) == before
    live.close()
    settings.outbox.write_bytes(b"no database" * 100)
    assert one(patient_of(settings), "notifying", "events", ERROR)
