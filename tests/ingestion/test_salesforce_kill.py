"""A load from Salesforce that is killed at any moment loses nothing and doubles nothing once it is run again.

As test_landing_kill.py, with rows, deletions and the cursor coming over HTTP; KILL_ROUNDS and KILL_SEED as there.
"""

import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.landing.settings import Settings
from ingestion.load import load_system
from ingestion.registry import source_systems
from tests.ingestion.killing import EARLIEST, ROUNDS, SEED, start
from tests.support.fakes.salesforce import CLIENT_ID, CLIENT_SECRET, DATA, Org, standard_org
from tests.support.servers.fault_server import FaultServer, Recorded

SYSTEM = "salesforce"
TABLES = ("Opportunity", "OpportunitySplit", "User")
Landed = dict[str, Counter[tuple[Any, ...]]]


@pytest.fixture
def org(monkeypatch: pytest.MonkeyPatch) -> Iterator[Org]:
    monkeypatch.setenv("SOURCES__SALESFORCE__CLIENT_ID", CLIENT_ID)
    monkeypatch.setenv("SOURCES__SALESFORCE__CLIENT_SECRET", CLIENT_SECRET)
    with FaultServer() as server:
        made = standard_org(server, 400)
        made.page_rows = 400
        yield made


@pytest.fixture
def settings(org: Org, tmp_path: Path) -> Settings:
    path = tmp_path / "sources.toml"
    names = ", ".join(f'"{name}"' for name in TABLES)
    path.write_text(
        f'[{SYSTEM}]\nconnector = "salesforce"\nbase_url = "{org.server.url}"\nread = [{names}]\n'
    )
    return Settings(home=tmp_path / "home", extracts=tmp_path, sources=path, chunk_rows=40)


def load(settings: Settings) -> Any:
    return load_system(source_systems(settings)[SYSTEM], settings)


def landed(settings: Settings) -> Landed:
    """Return all versions of all tables, without times and load ids, each with whether it is live."""
    found: Landed = {}
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        for table in TABLES:
            rows = connection.execute(
                "SELECT * EXCLUDE (_dlt_load_id, _dlt_valid_from, _dlt_valid_to, _source_row), _dlt_valid_to IS NULL "
                f'FROM raw_{SYSTEM}."{table}"'
            ).fetchall()
            found[table] = Counter(rows)
    return found


def change(org: Org) -> None:
    """Edit, delete and add rows, in number enough for several load files."""
    for number in range(0, 400, 3):
        org.save("Opportunity", f"006{number:015d}", Amount=Decimal("1.2345"))
    for number in range(1, 400, 29):
        org.delete("Opportunity", f"006{number:015d}")
    for number in range(60):
        org.save(
            "OpportunitySplit", f"0SPnew{number:012d}", OpportunityId="006", SplitPercentage=Decimal(number)
        )


def at_home(settings: Settings, name: str) -> Settings:
    """Return settings for a copy of the home."""
    home = settings.home.parent / name
    shutil.copytree(settings.home, home)
    return replace(settings, home=home)


def is_whole(settings: Settings, expected: Landed) -> None:
    """Load again and compare; a further load finds nothing."""
    load(settings)
    assert landed(settings) == expected
    assert load(settings).load_ids == ()
    shutil.rmtree(settings.home)


@pytest.mark.parametrize("moment", ["merge 1", "merge 2", "commit"])
def test_a_load_killed_at_the_worst_moment_is_made_good(org: Org, settings: Settings, moment: str) -> None:
    load(settings)
    change(org)
    whole, here = at_home(settings, "whole"), at_home(settings, "here")
    load(whole)
    assert start(SYSTEM, here, moment).wait() == -signal.SIGKILL
    killed = [request.query["q"] for request in changes_asked_for(org)[-len(TABLES) :]]
    before = len(changes_asked_for(org))
    is_whole(here, landed(whole))
    again = [request.query["q"] for request in changes_asked_for(org)[before : before + len(TABLES)]]
    assert again == killed, "the killed load has not moved the cursor"


def changes_asked_for(org: Org) -> list[Recorded]:
    return [request for request in org.server.asked(f"{DATA}/queryAll") if " WHERE " in request.query["q"]]


def test_a_load_killed_at_random_is_made_good(org: Org, settings: Settings) -> None:
    load(settings)
    change(org)
    whole = at_home(settings, "whole")
    child = start(SYSTEM, at_home(settings, "timed"))
    began = time.monotonic()
    assert child.wait() == 0
    duration = time.monotonic() - began
    load(whole)
    chance = random.Random(SEED + 2)
    for number in range(ROUNDS):
        here = at_home(settings, f"round-{number}")
        child = start(SYSTEM, here)
        time.sleep(chance.uniform(EARLIEST * duration, duration))
        child.kill()
        child.wait()
        is_whole(here, landed(whole))
