"""Commission written back to Salesforce and HubSpot over HTTP: only what differs, record by record, whatever breaks.

The company pays 10 % of every deal on booking; March is approved, April is a draft.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion.landing.settings import PROJECT_ROOT as ROOT
from ingestion.landing.settings import Settings as IngestionSettings
from ingestion.systems.salesforce.writer import SalesforceWriter
from orchestration.books.desk import open_desk
from orchestration.cli.write_back import told
from orchestration.telling.write_back.send import Sent, write_back
from orchestration.warehouse.settings import RunSettings
from tests.support.companies.contract_company import DEALS, approve, company, install
from tests.support.fakes import hubspot, salesforce
from tests.support.fakes.hubspot import WrittenPortal
from tests.support.fakes.salesforce import DATA, WrittenOrg
from tests.support.servers.fault_server import FaultServer, retry_after, status

# target: system, section, grain, object, key, least state
TARGETS = {
    "payees": ("salesforce", "sales", "payee", "Commission__c", "Commission_Key__c", "rewards_released"),
    "deals": ("salesforce", "sales", "deal", "Opportunity", "Id", "draft"),
    "hub": ("hubspot", "hub", "deal", "deals", "id", "approved"),
}
FIELDS = {
    "payees": {
        "Opportunity__c": "source_record_id", "Payee__c": "payee_id", "Amount__c": "ledger_amount",
        "Months__c": "last_period_code", "State__c": "state_code",
    },
    "deals": {"Commission__c": "ledger_amount", "Payees__c": "payee_count"},
    "hub": {"commission_amount": "ledger_amount", "commission_currency": "currency_code"},
}  # fmt: skip
# 10 % of each deal of March, rounded as one running total a payee: ana 999.967 -> 999.97, then 1,033.30 - 999.97.
MARCH = {
    "D1|ana|USD": "999.97", "D2|ana|USD": "33.33", "D3|ana|EUR": "20", "D4|ben|USD": "-50", "D5|cy|USD": "123.45",
    "D6|dee|USD": "-3", "D7|eve|USD": "1000", "D8|fay|USD": "77.78",
}  # fmt: skip


def targets() -> dict[str, list[dict[str, str]]]:
    names = ("system_code", "source_name", "grain_code", "crm_object", "key_field", "least_state_code")
    return {
        "crm_targets": [
            {"target_id": target, "source_object": "crm/Opportunity", **dict(zip(names, row, strict=True))}
            for target, row in TARGETS.items()
        ],
        "crm_fields": [
            {"target_id": target, "crm_field": field, "column_name": column}
            for target, fields in FIELDS.items()
            for field, column in fields.items()
        ],
    }


@pytest.fixture(scope="module")
def first_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    settings = install(home, company(**targets()))
    approve(settings, "2014-03")
    return home


@pytest.fixture(scope="module")
def edited_home(first_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The company after D8 grew by 100 and D5 was lost, both in March, which is a draft again."""
    home = tmp_path_factory.mktemp("edited")
    shutil.copytree(first_home / "books", home / "books")
    deals = [
        (number, owner, day, "877.77" if number == "D8" else amount, currency)
        for number, owner, day, amount, currency in DEALS
        if number != "D5"
    ]
    settings = install(home, company(deals, **targets()))
    with open_desk(settings):
        pass
    return home


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as started:
        yield started


@pytest.fixture
def org(server: FaultServer) -> WrittenOrg:
    return WrittenOrg(server, [deal[0] for deal in DEALS])


@pytest.fixture
def home(first_home: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(first_home, tmp_path / "home"))


@pytest.fixture
def sources(server: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> IngestionSettings:
    path = tmp_path / "sources.toml"
    path.write_text(
        "".join(
            f'[{name}]\nconnector = "{kind}"\nbase_url = "{server.url}"\nauth = "bearer"\n'
            f"[{name}.client]\nattempts = 3\nbackoff_seconds = 0.05\nwait_seconds_max = 2\n"
            for name, kind in (("sales", "salesforce"), ("hub", "hubspot"))
        )
    )
    for name, fake in (("SALES", salesforce), ("HUB", hubspot)):
        monkeypatch.setenv(f"SOURCES__{name}__TOKEN", fake.TOKEN)
    return IngestionSettings(home=tmp_path / "home", extracts=tmp_path, sources=path)


def send(home: Path, sources: IngestionSettings, target: str = "payees", *, is_dry_run: bool = False) -> Sent:
    system = TARGETS[target][0]
    found = write_back(RunSettings(home=home), sources, system_code=system, is_dry_run=is_dry_run)
    return next(sent for sent in found if sent.comparison.target.target_id == target)


def amounts(org: WrittenOrg) -> dict[str, str]:
    return {
        key.removeprefix("crm/Opportunity/"): f"{Decimal(record['Amount__c']).normalize():f}"
        for key, record in org.records.items()
    }


def counts(sent: Sent) -> tuple[int, int, int, int, int]:
    found = sent.comparison
    changes = [found.count(code) for code in ("new", "changed", "taken_back")]
    return (*changes, found.unchanged, len(found.kept_back))  # type: ignore[return-value]


def test_only_what_is_released_is_written_and_a_second_time_nothing(
    home: Path, sources: IngestionSettings, org: WrittenOrg
) -> None:
    sent = send(home, sources)
    assert counts(sent) == (8, 0, 0, 0, 0) and sent.is_whole
    assert amounts(org) == MARCH
    record = org.records["crm/Opportunity/D1|ana|USD"]
    assert {record[name] for name in ("Opportunity__c", "Payee__c", "Months__c", "State__c")} == {
        "D1", "ana", "2014-03", "approved",
    }  # fmt: skip
    # The deals themselves are written as drafts too, both months of them.
    assert org.deals["D9"] == {"Commission__c": Decimal("120.0000"), "Payees__c": 1}
    asked = len(org.server.requests)
    assert counts(send(home, sources)) == (0, 0, 0, 8, 0)
    assert len(org.server.requests) == asked


def test_a_month_that_is_released_sends_its_records_only(
    home: Path, sources: IngestionSettings, org: WrittenOrg
) -> None:
    send(home, sources)
    approve(RunSettings(home=home), "2014-04")
    before = len(org.sent())
    assert counts(send(home, sources)) == (2, 0, 0, 8, 0)
    assert org.sent()[before:] == [2]
    assert amounts(org) == MARCH | {"D9|ben|USD": "120", "D10|cy|USD": "10"}


def test_a_change_waits_for_its_release_and_then_sends_one_record_and_empties_the_lost_one(
    home: Path, edited_home: Path, sources: IngestionSettings, org: WrittenOrg
) -> None:
    send(home, sources)
    edited = Path(shutil.copytree(edited_home, home.parent / "edited"))
    shutil.copytree(home / "write_back", edited / "write_back")
    sent = send(edited, sources)
    # The plan in euros has not changed: D3 stands.
    assert counts(sent) == (0, 0, 0, 1, 7)
    assert "Release it again" in "\n".join(told([sent]))
    assert amounts(org) == MARCH

    approve(RunSettings(home=edited), "2014-03")
    assert counts(send(edited, sources)) == (0, 1, 1, 6, 0)
    assert amounts(org) == MARCH | {"D8|fay|USD": "87.78", "D5|cy|USD": "0"}
    lost = org.records["crm/Opportunity/D5|cy|USD"]
    assert (lost["Opportunity__c"], lost["Payee__c"], lost["Months__c"], lost["State__c"]) == (
        "D5", "cy", None, None,
    )  # fmt: skip
    assert counts(send(edited, sources)) == (0, 0, 0, 8, 0)


def test_a_record_that_the_crm_no_longer_has_needs_no_emptying(
    home: Path, edited_home: Path, sources: IngestionSettings, org: WrittenOrg
) -> None:
    send(home, sources)
    edited = Path(shutil.copytree(edited_home, home.parent / "edited"))
    shutil.copytree(home / "write_back", edited / "write_back")
    approve(RunSettings(home=edited), "2014-03")
    org.gone = {"crm/Opportunity/D5|cy|USD", "crm/Opportunity/D8|fay|USD"}
    sent = send(edited, sources)
    # D5 has nothing left to say; D8 has, and is told.
    assert sent.written["taken_back"] == 1
    assert sent.refused == [("crm/Opportunity/D8|fay|USD", "ENTITY_IS_DELETED: entity is deleted")]
    assert counts(send(edited, sources)) == (0, 1, 0, 7, 0)


def test_a_dry_run_says_what_would_be_sent_and_asks_nobody(
    home: Path, sources: IngestionSettings, org: WrittenOrg
) -> None:
    sent = send(home, sources, is_dry_run=True)
    text = "\n".join(told([sent]))
    assert "would be sent: 8 new, 0 changed, 0 taken back, 0 unchanged" in text
    assert "new crm/Opportunity/D1|ana|USD: Amount__c 999.97, Months__c 2014-03" in text
    assert org.server.requests == [] and list((home / "write_back").glob("*.jsonl")) == []


def test_a_crm_that_asks_for_a_pause_gets_it(home: Path, sources: IngestionSettings, org: WrittenOrg) -> None:
    org.server.fault("Commission_Key__c", retry_after(0.3), status(503))
    sent = send(home, sources)
    assert sent.is_whole and amounts(org) == MARCH
    tried = org.server.asked("Commission_Key__c")
    assert [request.status for request in tried] == [429, 503, 200]
    assert tried[1].at - tried[0].at >= 0.3


def test_a_refused_record_is_told_and_the_others_are_taken(
    home: Path, sources: IngestionSettings, org: WrittenOrg
) -> None:
    bad = "crm/Opportunity/D4|ben|USD"
    org.refused = {bad}
    org.locked = {"crm/Opportunity/D7|eve|USD": 1}
    sent = send(home, sources)
    assert sent.refused == [(bad, "FIELD_CUSTOM_VALIDATION_EXCEPTION: closed deals are frozen")]
    assert sent.written["new"] == 7 and not sent.is_whole
    # Once more for the locked one alone; what a rule refuses is not tried again.
    assert [
        len(json.loads(request.body)["records"]) for request in org.server.asked("Commission_Key__c")
    ] == [
        8,
        1,
    ]
    org.refused = set()
    assert counts(send(home, sources)) == (1, 0, 0, 7, 0)
    assert amounts(org) == MARCH


def test_a_batch_that_hubspot_refuses_whole_is_halved_until_the_bad_deal_is_alone(
    home: Path, sources: IngestionSettings, server: FaultServer
) -> None:
    account = WrittenPortal(server, [deal[0] for deal in DEALS if deal[0] != "D8"])
    account.wrong = {"D6"}
    sent = send(home, sources, "hub")
    assert sorted(key for key, _ in sent.refused) == ["D6", "D8"]
    reasons = dict(sent.refused)
    assert "Property values were not valid" in reasons["D6"] and "OBJECT_NOT_FOUND" in reasons["D8"]
    assert account.deals["D1"] == {"commission_amount": "999.97", "commission_currency": "USD"}
    assert account.deals["D9"] == {}


def test_wrong_credentials_and_unknown_fields_stop_before_anything_is_sent(
    home: Path, sources: IngestionSettings, org: WrittenOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    org.fields["Commission__c"].remove("Amount__c")
    sent = send(home, sources)
    assert "Commission__c has no field Amount__c" in sent.failure and "Nothing was sent" in sent.failure
    monkeypatch.setenv("SOURCES__SALES__TOKEN", "another.secret.token")
    sent = send(home, sources)
    assert "401" in sent.failure and "another.secret.token" not in "\n".join(told([sent]))
    assert org.records == {}


def test_a_request_that_fails_for_good_keeps_what_was_taken_before(
    home: Path, sources: IngestionSettings, org: WrittenOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SalesforceWriter, "batch_max", 3)
    org.server.fault("Commission__c/Commission_Key__c", status(403, []), skip=1)
    sent = send(home, sources)
    assert "3 of 8 records were taken" in sent.failure
    assert counts(send(home, sources)) == (5, 0, 0, 3, 0)
    assert amounts(org) == MARCH


CHILD = """
import sys
from pathlib import Path
from ingestion.systems.salesforce.writer import SalesforceWriter
from orchestration.cli.main import main

SalesforceWriter.batch_max = 3
main(["write-back", "--system", "salesforce"])
"""


def test_a_write_back_killed_between_answer_and_memory_ends_in_the_same_records(
    home: Path, sources: IngestionSettings, org: WrittenOrg
) -> None:
    environment = os.environ | {"COMMISSIONS_HOME": str(home), "COMMISSIONS_SOURCES": str(sources.sources)}
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    seen: list[int] = []

    def kill_at_the_second(records: list[dict[str, object]]) -> None:
        if "Commission_Key__c" in records[0]:
            seen.append(len(records))
        if len(seen) == 2:
            child.kill()
            child.wait()

    org.saved = kill_at_the_second
    child.communicate()
    assert child.returncode == -signal.SIGKILL
    # Six records are in the CRM, three are remembered: the next write-back sends the rest and repeats three.
    assert len(org.records) == 6
    org.saved = lambda _records: None
    assert counts(send(home, sources)) == (5, 0, 0, 3, 0)
    assert amounts(org) == MARCH
    assert counts(send(home, sources)) == (0, 0, 0, 8, 0)
    assert list((home / "write_back").glob("dlt-*")) == []


def test_a_line_that_was_cut_short_is_as_if_it_was_not_written(
    home: Path, sources: IngestionSettings, org: WrittenOrg
) -> None:
    send(home, sources)
    [memory] = (home / "write_back").glob("payees-*.jsonl")
    memory.write_bytes(memory.read_bytes()[:-20])
    assert counts(send(home, sources)) == (1, 0, 0, 7, 0)
    assert counts(send(home, sources)) == (0, 0, 0, 8, 0)


def test_without_a_connected_crm_it_is_refused_with_the_fix(home: Path, tmp_path: Path) -> None:
    sources = tmp_path / "none.toml"
    sources.write_text("")
    environment = os.environ | {"COMMISSIONS_HOME": str(home), "COMMISSIONS_SOURCES": str(sources)}
    answer = subprocess.run(
        [sys.executable, "-m", "orchestration", "write-back"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert answer.returncode == 1
    assert "[hub] with connector hubspot" in answer.stderr and "Nothing was sent" in answer.stderr


def test_the_requests_are_those_of_the_documentation(
    home: Path, sources: IngestionSettings, org: WrittenOrg
) -> None:
    send(home, sources)
    written = [request for request in org.server.requests if request.method == "PATCH"]
    assert [request.path for request in written] == [
        f"{DATA}/composite/sobjects",
        f"{DATA}/composite/sobjects/Commission__c/Commission_Key__c",
    ]
    # Amounts travel digit for digit, never as floats.
    assert b'"Amount__c": 999.9700' in written[1].body


def test_the_job_is_the_command(
    home: Path, sources: IngestionSettings, org: WrittenOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orchestration.definitions import defs

    monkeypatch.setenv("COMMISSIONS_HOME", str(home))
    monkeypatch.setenv("COMMISSIONS_SOURCES", str(sources.sources))
    job = defs.resolve_job_def("write_back")
    config = {"ops": {"write_commission_back": {"config": {"system": "salesforce"}}}}
    assert job.execute_in_process(run_config=config).success
    assert amounts(org) == MARCH
