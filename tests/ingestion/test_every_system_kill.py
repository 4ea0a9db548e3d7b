"""A load of any system that is killed at a random moment loses nothing and doubles nothing once it is run again.

As test_landing_kill.py, with KILL_SEED as there. Five systems, one round each; with KILL_ROUNDS all systems, so many.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from every_system import EVERY_SYSTEM, Case, landed, running
from test_landing_kill import CHILD, EARLIEST, SEED

from ingestion.landing.settings import Settings
from ingestion.load import load_system
from ingestion.registry import source_systems

# One of each kind: events, search by stamp, snapshots, delta links, change data capture.
KINDS = ("stripe", "hubspot", "bamboohr", "dynamics", "quickbooks")
ROUNDS = int(os.environ.get("KILL_ROUNDS", "1"))
KILLED = tuple(EVERY_SYSTEM) if "KILL_ROUNDS" in os.environ else KINDS


@pytest.fixture(params=KILLED)
def case(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Case]:
    with running(request.param, monkeypatch, tmp_path) as made:
        yield made


def start(case: Case, settings: Settings) -> "subprocess.Popen[str]":
    """Start a load in a process of its own; return once it is past its imports."""
    environment = os.environ | {
        "COMMISSIONS_HOME": str(settings.home),
        "COMMISSIONS_SOURCES": str(settings.sources),
        "COMMISSIONS_CHUNK_ROWS": str(settings.chunk_rows),
        "DATA_WRITER__FILE_MAX_ITEMS": str(settings.chunk_rows),
        "DATA_WRITER__BUFFER_MAX_ITEMS": str(settings.chunk_rows),
    }
    command = [sys.executable, "-c", CHILD, case.name]
    child = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    assert child.stdout and child.stdout.readline() == "go\n"
    return child


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
    child, began = start(case, whole), time.monotonic()
    assert child.wait() == 0
    duration = time.monotonic() - began
    expected = landed(case.name, whole)
    assert expected != before, "there was something to load"
    chance = random.Random(f"{SEED} {case.name}")
    for number in range(ROUNDS):
        here = copied(f"round-{number}")
        child = start(case, here)
        time.sleep(chance.uniform(EARLIEST * duration, duration))
        child.kill()
        assert child.wait() in (0, -signal.SIGKILL)
        load(here)
        assert landed(case.name, here) == expected
        assert load(here).load_ids == ()
