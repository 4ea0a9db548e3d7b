"""Dagster's settings, its history, its schedules and its daemon."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import yaml
from dagster import RunsFilter
from dagster._core.scheduler.instigation import InstigatorStatus
from dagster._daemon.types import DaemonHeartbeat

from orchestration.defs.dead_runs import UNFINISHED
from orchestration.defs.history import HistoryError, history
from orchestration.operating.doctor.finding import Finding, Patient, check, days_ago, error, ok, warning
from orchestration.warehouse.lock import holder_of
from orchestration.warehouse.settings import missing_sections

# The daemon says every half minute that it is alive.
HEARTBEAT_SECONDS_MAX = 300
START_DAEMON = "sudo systemctl start commissions-daemon"


@check("dagster", "dagster.yaml")
def settings_file(patient: Patient) -> Iterator[Finding]:
    """One run at a time, no telemetry, dead runs are noticed."""
    path = patient.settings.dagster_home / "dagster.yaml"
    if not path.exists():
        yield ok("not made yet; the first command makes it", path)
        return
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, OSError) as problem:
        told = " ".join(str(problem).split())
        yield error(
            f"cannot be read: {told}",
            path,
            fix=f"correct it, or: mv {path} {path}.broken && commissions prepare",
        )
        return
    missing = missing_sections(content)
    if missing:
        yield warning(
            f"has no {', '.join(missing)}",
            path,
            fix="commissions prepare (adds what is missing, changes nothing)",
        )
    wrong = dict(_wrong(content))
    for what, wanted in wrong.items():
        yield error(what, path, fix=f"write: {wanted}")
    unset = sorted(name for name in _variables(content) if not patient.env.get(name))
    for name in unset:
        yield error(
            f"takes a value from {name}, which is not set",
            path,
            fix=f"set {name} where Dagster and commands start",
        )
    if not missing and not wrong and not unset:
        yield ok("one run at a time, telemetry off, dead runs are noticed", path)


def _variables(content: object) -> Iterator[str]:
    """The environment variables that a file of Dagster refers to: {env: NAME}."""
    if isinstance(content, Mapping):
        if set(content) == {"env"} and isinstance(content["env"], str):
            yield content["env"]
        for value in content.values():
            yield from _variables(value)
    elif isinstance(content, list):
        for value in content:
            yield from _variables(value)


def _wrong(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    concurrency = content.get("concurrency") or {}
    if "concurrency" in content and (concurrency.get("runs") or {}).get("max_concurrent_runs") != 1:
        yield "more than one run at a time", "concurrency: {runs: {max_concurrent_runs: 1}}"
    if (content.get("telemetry") or {}).get("enabled", True) and "telemetry" in content:
        yield "telemetry is on", "telemetry: {enabled: false}"
    if "storage" in content and "event_log_storage" in content:
        yield (
            "has two storages of events, which Dagster refuses",
            "`storage` alone, and remove the section `event_log_storage`",
        )
    retries = content.get("run_retries") or {}
    if retries.get("enabled") and retries.get("retry_on_asset_or_op_failure", True):
        yield (
            "runs that failed are tried again, not only those that died",
            "run_retries: {retry_on_asset_or_op_failure: false}",
        )


@dataclass(frozen=True)
class Facts:
    """What the history says: runs that have begun, runs with a place in a pool, schedules switched off, signs of life."""

    begun: tuple[str, ...]
    claimed: tuple[str, ...]
    stopped: tuple[str, ...]
    beats: Mapping[str, DaemonHeartbeat]


def facts_of(patient: Patient) -> Facts:
    """Read the history, once for all checks. Raises HistoryError when it cannot be read."""
    if "history" not in patient.known:
        try:
            patient.known["history"] = _read_facts(patient)
        except HistoryError as problem:
            patient.known["history"] = problem
    found = patient.known["history"]
    if isinstance(found, HistoryError):
        raise found
    assert isinstance(found, Facts)
    return found


def _read_facts(patient: Patient) -> Facts:
    if not patient.settings.dagster_home.exists():
        return Facts((), (), (), {})
    with history(patient.settings.dagster_home) as instance:
        storage = instance.event_log_storage
        return Facts(
            tuple(run.run_id for run in instance.get_runs(RunsFilter(statuses=list(UNFINISHED)))),
            tuple(
                run_id
                for key in storage.get_concurrency_keys()
                for run_id in storage.get_concurrency_info(key).active_run_ids
            ),
            tuple(
                sorted(
                    state.name
                    for state in instance.all_instigator_state()
                    if state.status == InstigatorStatus.STOPPED
                )
            ),
            instance.get_daemon_heartbeats(),
        )


@check("dagster", "dead runs")
def dead_runs(patient: Patient) -> Iterator[Finding]:
    """No run counts as running whose process is gone."""
    try:
        facts = facts_of(patient)
    except HistoryError as problem:
        yield error(str(problem), patient.settings.dagster_home, fix=problem.fix)
        return
    dead = sorted({*facts.begun, *facts.claimed})
    if dead and not holder_of(patient.settings.lock):
        yield warning(
            f"{len(dead)} count as running or hold the writer's place, and no process runs: {dead[0]}",
            patient.settings.dagster_home,
            fix="commissions run (marks them as failed)",
        )
    else:
        yield ok("none")


@check("dagster", "schedules")
def schedules(patient: Patient) -> Iterator[Finding]:
    """No schedule or sensor was switched off by hand."""
    try:
        stopped = facts_of(patient).stopped
    except HistoryError:
        return  # reported by the check of dead runs
    for name in stopped:
        yield warning(
            "is switched off",
            name,
            fix=f"switch it on in the UI, or: dagster schedule start {name} -m orchestration.definitions",
        )
    if not stopped:
        yield ok("none is switched off by hand")


@check("dagster", "daemon")
def daemon(patient: Patient) -> Iterator[Finding]:
    """It is alive where it has to be: without it no schedule starts."""
    try:
        beats = facts_of(patient).beats
    except HistoryError:
        return
    if not beats:
        if patient.is_daemon_expected:
            yield error("never ran here", patient.settings.dagster_home, fix=START_DAEMON)
        else:
            yield ok("never ran here: runs are started by hand")
        return
    last = datetime.fromtimestamp(max(beat.timestamp for beat in beats.values()), UTC)
    if (patient.now - last).total_seconds() > HEARTBEAT_SECONDS_MAX:
        told = f"last seen {days_ago(last, patient.now)}: no schedule starts"
        made = error if patient.is_daemon_expected else warning
        yield made(told, patient.settings.dagster_home, fix=START_DAEMON)
        return
    ill = sorted(name for name, beat in beats.items() if beat.errors)
    if ill:
        yield warning(
            f"alive, with errors in {', '.join(ill)}", fix="journalctl -u commissions-daemon -n 100"
        )
    else:
        yield ok("alive")
