"""A load of any system that is killed at a random moment loses nothing and doubles nothing once it is run again.

As test_landing_kill.py, with KILL_SEED as there. Five systems, one round each; with KILL_ROUNDS all systems, so many.
"""

import os
import random
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ingestion.landing.settings import Settings
from ingestion.load import load_system
from ingestion.registry import source_systems
from tests.ingestion.killing import EARLIEST, SEED, start
from tests.support.fakes.every_system import EVERY_SYSTEM, Case, landed, running

# One of each kind: events, search by stamp, snapshots, delta links, change data capture.
KINDS = ("stripe", "hubspot", "bamboohr", "dynamics", "quickbooks")
ROUNDS = int(os.environ.get("KILL_ROUNDS", "1"))
KILLED = tuple(EVERY_SYSTEM) if "KILL_ROUNDS" in os.environ else KINDS


@pytest.fixture(params=KILLED)
def case(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Case]:
    with running(request.param, monkeypatch, tmp_path) as made:
        yield made


def test_a_load_killed_at_random_is_made_good(case: Case) -> None:
    settings = replace(case.settings, chunk_rows=20)

    def load(home: Settings) -> Any:
        return load_system(source_systems(home)[case.name], home)

    def copied(name: str) -> Settings:
        shutil.copytree(settings.home, settings.home.parent / name)
        return replace(settings, home=settings.home.parent / name)

    load(settings)
    before = landed(case.name, settings)
    case.system.change(case.fake)
    whole = copied("whole")
    child, began = start(case.name, whole), time.monotonic()
    assert child.wait() == 0
    duration = time.monotonic() - began
    expected = landed(case.name, whole)
    assert expected != before, "there was something to load"
    chance = random.Random(f"{SEED} {case.name}")
    for number in range(ROUNDS):
        here = copied(f"round-{number}")
        child = start(case.name, here)
        time.sleep(chance.uniform(EARLIEST * duration, duration))
        child.kill()
        assert child.wait() in (0, -signal.SIGKILL)
        load(here)
        assert landed(case.name, here) == expected
        assert load(here).load_ids == ()
