"""What must hold for every system that is read over REST. A connector without an entry in every_system.py fails here."""

import importlib
import logging
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ingestion import systems
from ingestion.api.alerts import SchemaAlert
from ingestion.api.connector import Connector
from ingestion.api.errors import ApiError
from ingestion.landing.settings import PROJECT_ROOT as ROOT
from ingestion.registry import configured_systems
from tests.support.companies.connected_company import plan_over
from tests.support.fakes.every_system import EVERY_SYSTEM, Case, landed, running
from tests.support.servers.fault_server import Answer, Fault, FaultServer, Request, retry_after

# Systems whose names a person chose (a table of REST addresses, files by pattern) have no vendor to fake.
GENERIC = {"rest", "patterns", "ecb", "rates"}


@pytest.fixture(params=EVERY_SYSTEM)
def case(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Case]:
    with running(request.param, monkeypatch, tmp_path) as made:
        yield made


def connectors() -> set[str]:
    """The packages of ingestion/systems that read a system."""
    found = set()
    for package in pkgutil.iter_modules(systems.__path__):
        connector = getattr(importlib.import_module(f"ingestion.systems.{package.name}"), "CONNECTOR", None)
        if isinstance(connector, type) and issubclass(connector, Connector) and connector.needs_base_url:
            found.add(package.name)
    return found - GENERIC


def test_every_connector_is_proved() -> None:
    assert set(EVERY_SYSTEM) == connectors()
    for name, system in EVERY_SYSTEM.items():
        own = (Path(__file__).parent / f"test_{name}.py").read_text(encoding="utf-8")
        assert f"\ndef {system.payload}(" in own, "the landed table beside the vendor's payload"
        assert f"\ndef {system.syncs}(" in own, "two loads with changes and deletes between them"
        assert (ROOT / "ingestion" / "systems" / name / "README.md").is_file(), name


def check_wait(case: Case) -> None:
    """The request that was refused with a wait came again, the same, after that wait."""
    asked = case.server.asked(case.system.path)
    refused = next(number for number, request in enumerate(asked) if request.status == 429)
    again = asked[refused + 1]
    assert (again.status, again.path, again.query) == (200, asked[refused].path, asked[refused].query)
    assert 0.6 <= again.at - asked[refused].at < 4
    assert case.server.faults_left == 0


def check_rename(case: Case, seeds: Path) -> list[str]:
    """A field that the vendor renames alerts with the plan that uses it, and nothing is written; what was said."""
    table, column = case.system.column
    before = landed(case.name, case.settings)
    checked = case.company.check(seeds=seeds)
    assert f"{table}.{column}: " not in checked
    case.system.rename(case.fake)
    with pytest.raises(SchemaAlert) as caught:
        case.company.load(seeds=seeds)
    said = str(caught.value)
    assert f"{case.name}.{table}.{column}" in said
    assert "plan plan_at_hand (seeds/plans/plans.csv row 2, filter_expression)" in said
    assert landed(case.name, case.settings) == before, "nothing was written"
    found = [line for line in case.company.check(seeds=seeds).splitlines() if f"{table}.{column}: " in line]
    assert len(found) == 1 and found[0].startswith("PROBLEM") and "plan plan_at_hand" in found[0]
    return [said, checked, *found]


def echo() -> Fault:
    """A vendor that repeats what it was sent."""

    def fault(_server: FaultServer, request: Request, _answer: Any) -> Answer:
        return Answer(401, {"headers": dict(request.headers), "form": request.body.decode()})

    return fault


def test_waits_are_kept_a_renamed_field_alerts_and_secrets_are_nowhere(
    case: Case,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(logging.getLogger("dlt"), "propagate", True)
    monkeypatch.setattr(logging.getLogger("dlt"), "level", logging.DEBUG)
    seeds = tmp_path / "seeds"
    plan_over(seeds, case.name, *case.system.column)
    case.server.fault(case.system.path, retry_after(0.6))
    case.company.load(seeds=seeds)
    check_wait(case)
    told = check_rename(case, seeds)
    case.server.fault("", *[echo()] * 30)
    with pytest.raises(ApiError) as caught:
        case.company.load()
    said = [*told, str(caught.value), repr(caught.value), str(caught.value.body), case.company.check()]
    said += [repr(configured_systems(case.settings)), caplog.text, *capfd.readouterr()]
    assert "GET" in caplog.text or "POST" in caplog.text, "the requests are in the log"
    # Names of users and apps are no secrets; a refresh token that was replaced is kept in tokens/, for its owner alone.
    secrets = {value for name, value in case.system.secrets.items() if not name.endswith(("_ID", "USERNAME"))}
    files = [
        path for path in case.settings.home.rglob("*") if path.is_file() and path.parent.name != "tokens"
    ]
    assert files
    for secret in {*secrets, *case.system.hidden, *case.server.tokens}:
        assert [text for text in said if secret in text] == []
        assert [path.name for path in files if secret.encode() in path.read_bytes()] == []
