"""Two runs at once: the second says so, or waits."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestration.warehouse.lock import RunInProgress, RunLock

ROOT = Path(__file__).resolve().parents[2]
HOLDER = """
import sys
from pathlib import Path
from orchestration.warehouse.lock import RunLock
with RunLock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


@contextmanager
def held_elsewhere(path: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout and holder.stdin
        assert holder.stdout.readline() == "held\n"
        yield holder
        if holder.poll() is None:
            holder.stdin.close()


def test_a_second_run_is_refused_and_told_who_runs(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    with (
        held_elsewhere(path) as holder,
        pytest.raises(RunInProgress, match=f"process {holder.pid}"),
        RunLock(path),
    ):
        pass
    with RunLock(path):
        pass


def test_a_killed_run_leaves_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    with held_elsewhere(path) as holder:
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
        with RunLock(path):
            pass


def test_a_run_waits_when_told_to(tmp_path: Path) -> None:
    path, told = tmp_path / "run.lock", []

    with held_elsewhere(path) as holder:

        def let_go(name: str) -> None:
            told.append(name)
            assert holder.stdin
            holder.stdin.close()

        started = time.monotonic()
        with RunLock(path, wait=True, on_wait=let_go):
            assert told == [f"process {holder.pid}"]
        assert time.monotonic() - started < 10


def test_the_run_that_holds_the_lock_may_enter_it_again(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    with RunLock(path):
        with RunLock(path):
            pass
        answer = subprocess.run(
            [sys.executable, "-c", HOLDER, str(path)],
            cwd=ROOT,
            input="\n",
            capture_output=True,
            text=True,
            check=False,
        )
        assert "RunInProgress" in answer.stderr


def test_the_command_says_that_a_run_is_in_progress(tmp_path: Path) -> None:
    with held_elsewhere(tmp_path / "run.lock") as holder:
        answer = subprocess.run(
            [sys.executable, "-m", "orchestration", "run"],
            cwd=ROOT,
            env={**os.environ, "COMMISSIONS_HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert answer.returncode == 3
    assert answer.stderr.startswith(f"Not started: another run is in progress (process {holder.pid}")
    assert "--wait" in answer.stderr
