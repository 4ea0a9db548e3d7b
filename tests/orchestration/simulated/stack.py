"""The processes of an installation, real ones under the fake clock: code server, daemon, and the runs that they start."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
from dagster import DagsterRunStatus
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import InstigatorTick, TickStatus

from orchestration.warehouse.settings import RunSettings
from tests.orchestration.simulated.clock import Clock
from tests.support.companies.installation import ROOT

UNFINISHED = [
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]
# Longer than any sensor waits between two looks; the daemon notices within a few real seconds.
SENSORS_LOOK = timedelta(seconds=35)
DONE = (TickStatus.SKIPPED, TickStatus.SUCCESS)
LOOK_SECONDS = 1.0
SETTLED_WITHIN_SECONDS = 900
SENSORS = frozenset(
    {
        "alert_on_failed_checks",
        "alert_on_failed_runs",
        "calculation_sensor",
        "events_are_due",
        "freshness_sensor",
        "journal_sensor",
        "losses_sensor",
    }
)
# The scheduler wakes once a minute, and counts the minute before it sleeps.
SCHEDULES_WITHIN_SECONDS = 100
SCRIPTS = Path(sys.executable).parent
LOCATION = "commissions"


def copy_project(folder: Path) -> Path:
    """Copy the project, so that its seeds can be another company's."""
    ignored = shutil.ignore_patterns("target", "logs", "__pycache__", "var", ".mypy_cache")
    for name in ("ingestion", "orchestration", "seeds", "dbt_project"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    return folder


class Stack:
    """One home, and the processes on it.

    Args:
        folder: where settings and logs are written.
        project: the copy of the project that runs.
        settings: further variables of the environment.
    """

    def __init__(self, folder: Path, project: Path, clock: Clock, settings: Mapping[str, str]) -> None:
        self.folder, self.project, self.clock = folder, project, clock
        self.home = folder / "home"
        known = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("COMMISSIONS_", "DAGSTER_", "DBT_", "PYTEST_"))
        }
        fake = clock.environment()
        self.environment = {
            **known,
            **settings,
            **fake,
            "PYTHONPATH": os.pathsep.join([fake["PYTHONPATH"], str(project)]),
            "COMMISSIONS_HOME": str(self.home),
            # A jump of the clock is no silence of the daemon; and it looks often.
            "DAGSTER_DAEMON_HEARTBEAT_TOLERANCE": "100000000",
            "FRESHNESS_DAEMON_INTERVAL_SECONDS": "10",
        }
        RunSettings(self.home).prepare(self.environment)
        self.processes: list[subprocess.Popen[bytes]] = []
        self.workspace = folder / "workspace.yaml"
        self.instance: dg.DagsterInstance = dg.DagsterInstance.from_config(str(self.home / "dagster"))

    def start(self) -> None:
        """Start code server and daemon, and wait until every sensor has looked once."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.workspace.write_text(
            f"load_from:\n  - grpc_server: {{host: localhost, port: {port}, location_name: {LOCATION}}}\n"
        )
        self._spawn(
            "server", "dagster", "api", "grpc", "-m", "orchestration.definitions", "-d", str(self.project),
            "-h", "localhost", "-p", str(port),
        )  # fmt: skip
        self._wait_for_port(port)
        self._spawn("daemon", "dagster-daemon", "run", "-w", str(self.workspace))

    def _spawn(self, name: str, script: str, *arguments: str) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            self.processes.append(
                subprocess.Popen(
                    [str(SCRIPTS / script), *arguments],
                    cwd=self.project,
                    env=self.environment,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
            )

    def _wait_for_port(self, port: int) -> None:
        until = time.monotonic() + 120
        while time.monotonic() < until:
            self._check_alive()
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(LOOK_SECONDS)
        raise AssertionError("the code server did not start")

    def _check_alive(self) -> None:
        for process in self.processes:
            if process.poll() is not None:
                raise AssertionError(f"{process.args} ended with {process.returncode}; logs in {self.folder}")

    def stop(self) -> None:
        """End the processes, the daemon first."""
        for process in reversed(self.processes):
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes.clear()
        self.instance.dispose()

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Type a command of the project."""
        return subprocess.run(
            [sys.executable, "-m", "orchestration", *arguments],
            cwd=self.project,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def launch(self, job: str, config: Mapping[str, Any] | None = None, by: str = "a person") -> None:
        """Put a run of a job into the queue, as the UI does."""
        arguments = ["job", "launch", "-w", str(self.workspace), "-l", LOCATION, "-j", job]
        arguments += ["--tags", json.dumps({"commissions/by": by})]
        arguments += ["--config-json", json.dumps(config)] if config else []
        done = subprocess.run(
            [str(SCRIPTS / "dagster"), *arguments],
            cwd=self.project,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def go_to(self, moment: str, *schedules: str) -> None:
        """Jump to a moment, and wait until everything that it causes is done; `schedules` have to tick on the way."""
        before = self.clock.now()
        assert before < datetime.fromisoformat(moment).replace(tzinfo=UTC), f"it is {before} already"
        self.clock.set(moment)
        until = time.monotonic() + SCHEDULES_WITHIN_SECONDS
        while missing := [name for name in schedules if not self._has_ticked(name, before)]:
            self._check_alive()
            assert time.monotonic() < until, f"no tick of {missing}; logs in {self.folder}"
            time.sleep(LOOK_SECONDS)
        self.settle()

    def settle(self) -> None:
        """Wait until no run is unfinished, and every sensor has looked since the last one ended and started none."""
        since = self.clock.now()
        until = time.monotonic() + SETTLED_WITHIN_SECONDS
        while time.monotonic() < until:
            self._check_alive()
            time.sleep(LOOK_SECONDS)
            if self._is_busy():
                continue
            last = self.instance.get_run_records(limit=1, order_by="update_timestamp")
            if last and last[0].end_time:
                since = max(since, datetime.fromtimestamp(last[0].end_time, UTC))
            if self._sensors_have_looked(since):
                if not self._is_busy():
                    return
                continue
            # Not while a tick is under way, or a run about to start.
            time.sleep(5)
            if not self._is_busy():
                self.clock.advance(SENSORS_LOOK)
        raise AssertionError(f"not settled after {SETTLED_WITHIN_SECONDS} s; logs in {self.folder}")

    def _is_busy(self) -> bool:
        return bool(self.instance.get_run_records(dg.RunsFilter(statuses=UNFINISHED), limit=1))

    def _has_ticked(self, schedule: str, since: datetime) -> bool:
        tick = self._last_ticks(InstigatorType.SCHEDULE).get(schedule)
        return tick is not None and tick.status in DONE and tick.timestamp > since.timestamp()

    def _sensors_have_looked(self, since: datetime) -> bool:
        ticks = self._last_ticks(InstigatorType.SENSOR)
        return ticks.keys() >= SENSORS and all(
            tick.status in DONE and tick.timestamp > since.timestamp() for tick in ticks.values()
        )

    def _last_ticks(self, kind: InstigatorType) -> dict[str, InstigatorTick]:
        found = {}
        for state in self.instance.all_instigator_state(instigator_type=kind):
            for tick in self.instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=1):
                found[state.instigator_name] = tick
        return found
