"""Runs that are killed at the moment between two steps: the next one is not kept waiting, and ends where it would have ended.

Each run is killed after one step more than the one before it, so that each is also the run after a killed one.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from orchestration.warehouse.settings import RunSettings
from tests.support.whole_companies import AS_OF, COMPANIES

ROOT = Path(__file__).resolve().parents[2]
# Far more than a run of this company takes; a run that waits for a dead one never ends.
SECONDS_MAX = 300
KILLED_AFTER = """
import os, signal, sys
from dagster import DagsterEventType, DagsterInstance
left = int(sys.argv.pop(1))
stored = DagsterInstance.handle_new_event
def store(self, entry, **options):
    global left
    stored(self, entry, **options)
    event = entry.dagster_event
    if event is not None and event.event_type == DagsterEventType.STEP_SUCCESS:
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
DagsterInstance.handle_new_event = store
from orchestration.cli.main import main
main()
"""
LEDGER = "select ledger_line_key, posted_period_code, line_amount from marts.fct_ledger_lines order by all"


@pytest.mark.proof
def test_the_run_after_a_run_killed_between_two_steps_ends(tmp_path: Path) -> None:
    company = COMPANIES["mixed_events"]()
    seeds, extracts = company.write(tmp_path)
    clean = {name: text for name, text in os.environ.items() if not name.startswith(("COMMISSIONS_", "DAGSTER_"))}  # fmt: skip

    def run(home: Path, killed_after: int = 0) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", KILLED_AFTER, str(killed_after), "run"],
            cwd=ROOT,
            env=clean
            | {
                "COMMISSIONS_HOME": str(home),
                "COMMISSIONS_EXTRACTS": str(extracts),
                "COMMISSIONS_SEEDS": str(seeds),
                "COMMISSIONS_AS_OF_DATE": AS_OF,
            },
            timeout=SECONDS_MAX,
            capture_output=True,
            text=True,
            check=False,
        )

    home = tmp_path / "killed"
    killed = 0
    while True:
        done = run(home, killed + 1)
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr
        killed += 1
    assert killed > 5, "no run was killed between its steps"
    untouched = run(tmp_path / "untouched")
    assert untouched.returncode == 0, untouched.stdout + untouched.stderr
    ledgers = []
    for one in (home, tmp_path / "untouched"):
        with duckdb.connect(str(RunSettings(one).warehouse), read_only=True) as warehouse:
            ledgers.append(warehouse.execute(LEDGER).fetchall())
    assert ledgers[0] == ledgers[1] != []
    assert done.stdout.count("PAYOUTS 2024-") == untouched.stdout.count("PAYOUTS 2024-") > 0
    print(f"{killed} runs killed between two steps")
