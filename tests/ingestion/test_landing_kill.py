"""A load that is killed at any moment loses nothing and doubles nothing once it is run again.

Each round kills a loading process with SIGKILL after a random time, loads again, and compares every table
with that of a load that was never interrupted. KILL_ROUNDS sets the rounds of each of the two tests,
KILL_SEED the random times, KILL_EARLIEST the share of a load's time that
is always let pass. Tiny load files make many steps to be killed in.
"""

import random
import shutil
import signal
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.landing.settings import Settings
from ingestion.load import load_system, prepare, table_counts
from ingestion.registry import SYSTEMS
from tests.ingestion.killing import EARLIEST, ROUNDS, SEED, start
from tests.support.companies.landed_company import Company, Row, sample_rows

SYSTEM = "billing"
ROWS = 1500


Landed = dict[str, Counter[tuple[Any, ...]]]


def landed(settings: Settings) -> Landed:
    """Return all versions of all tables, without times and load ids, each with whether it is live."""
    found: Landed = {}
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        for table in SYSTEMS[SYSTEM].tables:
            rows = connection.execute(
                f"SELECT * EXCLUDE (_dlt_load_id, _dlt_valid_from, _dlt_valid_to), _dlt_valid_to IS NULL "
                f'FROM raw_{SYSTEM}."{table.name}"'
            ).fetchall()
            found[table.name] = Counter(rows)
            misplaced = connection.execute(
                f'SELECT count(*) FROM raw_{SYSTEM}."{table.name}" WHERE _dlt_valid_from >= _dlt_valid_to '
                f"OR _dlt_load_id NOT IN (SELECT load_id FROM raw_{SYSTEM}._dlt_loads WHERE status = 0)"
            ).fetchone()
            assert misplaced == (0,), "each version belongs to a finished load and closes after it opened"
    return found


def kill_rounds(settings: Settings, initial_home: Path | None, expected: Landed, seed: int) -> None:
    """Kill, load again and compare, ROUNDS times, each from the same beginning."""
    chance = random.Random(seed)
    child = start(SYSTEM, settings_at(settings, "timed", initial_home))
    began = time.monotonic()
    assert child.wait() == 0
    duration = time.monotonic() - began
    killed = inside = 0
    for number in range(ROUNDS):
        here = settings_at(settings, f"round-{number}", initial_home)
        child = start(SYSTEM, here)
        time.sleep(chance.uniform(EARLIEST * duration, duration))
        child.kill()
        killed += child.wait() != 0
        fixed = load_system(SYSTEM, here).fixed
        inside += fixed > 0
        assert landed(here) == expected, f"round {number} of seed {seed}"
        before = table_counts(SYSTEM, here)
        assert load_system(SYSTEM, here).load_ids == (), "a further load finds nothing to do"
        assert table_counts(SYSTEM, here) == before
        shutil.rmtree(here.home)
    print(
        f"{killed} of {ROUNDS} loads ({duration:.1f} s each) were killed, {inside} with rows in the warehouse"
    )
    assert killed or ROUNDS < 10, "the random times must fall within a load"


def settings_at(settings: Settings, name: str, initial_home: Path | None) -> Settings:
    """Return settings for a home of its own, a copy of the initial one when there is one."""
    home = settings.home.parent / name
    if initial_home is not None:
        shutil.copytree(initial_home, home)
    return replace(settings, home=home)


@pytest.fixture
def larger(company: Company) -> Company:
    """Billing with 1,500 invoices, cut into load files of 50 rows."""
    company.settings = replace(company.settings, chunk_rows=50)
    for table in ("invoices", "payments"):
        company.write("billing", table, sample_rows("billing", table)[:ROWS])
    return company


def change(company: Company) -> None:
    """Edit, remove and add rows, some of them late."""

    def invoices(rows: list[Row]) -> list[Row]:
        for row in rows[::7]:
            row["total_amount"] = "1.2345"
        late = [row | {"invoice_id": row["invoice_id"] + "-L"} for row in rows[:40]]
        return [row for number, row in enumerate(rows) if number % 31] + late

    def payments(rows: list[Row]) -> list[Row]:
        return [
            row | {"status_note": "seen"} if n % 3 == 0 else row | {"status_note": ""}
            for n, row in enumerate(rows)
        ]

    company.write("billing", "invoices", invoices(company.read("billing", "invoices")))
    company.write("billing", "payments", payments(company.read("billing", "payments")))


def test_a_killed_first_load_is_made_good(larger: Company) -> None:
    whole = replace(larger.settings, home=larger.settings.home.parent / "whole")
    load_system(SYSTEM, whole)
    kill_rounds(larger.settings, None, landed(whole), SEED)


def test_a_killed_load_of_changes_is_made_good(larger: Company) -> None:
    larger.load(SYSTEM)
    initial = larger.settings.home
    change(larger)
    whole = settings_at(larger.settings, "whole", initial)
    load_system(SYSTEM, whole)
    kill_rounds(larger.settings, initial, landed(whole), SEED + 1)


@pytest.mark.parametrize("moment", ["merge 1", "merge 2", "commit"])
def test_a_load_killed_at_the_worst_moment_is_taken_back(larger: Company, moment: str) -> None:
    larger.load(SYSTEM)
    change(larger)
    here = settings_at(larger.settings, "here", larger.settings.home)
    whole = settings_at(larger.settings, "whole", larger.settings.home)
    before = landed(here)
    load_system(SYSTEM, whole)
    assert start(SYSTEM, here, moment).wait() == -signal.SIGKILL
    assert prepare(SYSTEM, here) > 0, "something of the killed load was in the tables"
    assert table_counts(SYSTEM, here) == table_counts(SYSTEM, larger.settings)
    assert {name: sorted_keys(rows) for name, rows in landed(here).items()} == {
        name: sorted_keys(rows) for name, rows in before.items()
    }, "the tables are as before the killed load"
    load_system(SYSTEM, here)
    assert landed(here) == landed(whole)


def sorted_keys(rows: Counter[tuple[Any, ...]]) -> list[tuple[str, bool]]:
    """Return key and whether it is live of each version: a killed load may leave a new, empty column."""
    return sorted((row[0], row[-1]) for row in rows.elements())
