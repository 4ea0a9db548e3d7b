"""The job `daily` in the process of `commissions run`: progress on the terminal, everything else in the log."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO
from uuid import uuid4

from orchestration.plans.checks import seeds_folder
from orchestration.warehouse.settings import PROJECT_ROOT, RunSettings, dbt_as_of_date, shown
from orchestration.wording import counted

if TYPE_CHECKING:
    import dagster as dg


def run_daily(settings: RunSettings) -> bool:
    """Run the job `daily` in this process. Prints progress, and on failure the reason; returns success."""
    # Known before the run starts, so that the log, Dagster's history and the publication carry one name.
    started = time.monotonic()
    run_id = str(uuid4())
    log = settings.logs / f"{run_id}.log"
    with quiet(log) as terminal:
        terminal.write(f"Commissions as of {settings.as_of_date or dbt_as_of_date()}; log {shown(log)}\n")
        terminal.flush()
        try:
            from orchestration.calculation.manifest import ready_soon

            # dbt is imported and parses on the other core while Dagster is imported.
            ready_soon(seeds_folder(PROJECT_ROOT))
            from dagster import DagsterInstance

            with DagsterInstance.get() as instance:
                return _execute(settings, instance, run_id, terminal, log, started)
        except KeyboardInterrupt:
            terminal.write(f"\nInterrupted. {published_state(settings)}\n")
            return False


def _execute(
    settings: RunSettings,
    instance: dg.DagsterInstance,
    run_id: str,
    terminal: TextIO,
    log: Path,
    started: float,
) -> bool:
    from orchestration.calculation.dbt_process import current
    from orchestration.calculation.manifest import ManifestError
    from orchestration.defs.alerts_of_runs import alerts_of_run
    from orchestration.defs.progress import Progress
    from orchestration.telling.alerts import send_alerts

    try:
        from orchestration.definitions import defs
    except ManifestError as error:
        terminal.write(f"\nFAILED before anything was written: {error}\n{published_state(settings)}\n")
        return False
    groups = {spec.key: spec.group_name or "" for spec in defs.resolve_all_asset_specs()}
    progress = Progress(terminal, groups, started=started)
    instance.add_event_listener(run_id, progress.handle)
    current().listeners.append(progress.built)
    try:
        result = defs.resolve_job_def("daily").execute_in_process(
            instance=instance, run_id=run_id, raise_on_error=False
        )
    finally:
        # dbt outlives the run, and the terminal of this one is closed then.
        current().listeners.remove(progress.built)
    for sent in send_alerts(*alerts_of_run(instance, result.dagster_run), settings=settings):
        terminal.write(f"Alert to {sent}\n")
    if result.success:
        progress.say("done", f"{counted(progress.checks_asked, 'check')} passed")
        return True
    terminal.write(f"\n{failure_text(result)}\n{published_state(settings)}\nFull log: {shown(log)}\n")
    return False


def failure_text(result: dg.ExecuteInProcessResult) -> str:
    """Which steps failed, and why, in the words of the error that stopped them."""
    from orchestration.defs.failed_steps import failed_steps

    texts = [
        f"FAILED{f' {step}' if step else ''}: {message}" for step, message in failed_steps(result.all_events)
    ]
    return "\n".join(texts) or "FAILED; the log says where"


def published_state(settings: RunSettings) -> str:
    """That readers still see the last published marts, and from when those are."""
    if not settings.published.exists():
        return "Published marts: none yet."
    at = datetime.fromtimestamp(settings.published.stat().st_mtime, tz=UTC)
    return f"The published marts are unchanged: {shown(settings.published)} of {at:%Y-%m-%d %H:%M} UTC."


@contextlib.contextmanager
def quiet(log: Path) -> Iterator[TextIO]:
    """Send all output of this process and its children to ``log``; yields the terminal."""
    sys.stdout.flush()
    sys.stderr.flush()
    out, err = os.dup(1), os.dup(2)
    with log.open("ab") as file, os.fdopen(os.dup(out), "w", encoding="utf-8") as terminal:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        try:
            yield terminal
        finally:
            terminal.flush()
            sys.stdout.flush()
            sys.stderr.flush()
            os.dup2(out, 1)
            os.dup2(err, 2)
            os.close(out)
            os.close(err)
