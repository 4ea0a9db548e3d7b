"""Runs that were killed: Dagster still counts them as running, and their places in a pool as taken."""

from __future__ import annotations

import dagster as dg
from dagster import DagsterRunStatus, RunsFilter

UNFINISHED = (DagsterRunStatus.STARTED, DagsterRunStatus.STARTING, DagsterRunStatus.CANCELING)
# Jobs that run without the lock, beside other runs; their sensors look after them.
WITHOUT_LOCK = ("deliver_events",)
KILLED = "The process of this run ended before the run did: it was killed, or the machine stopped."


def clear_dead_runs(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    """Give back the pool places of other runs and mark those as failed; returns their ids.

    Only for the holder of the run lock (``run_id``): every run holds that lock while its steps run, so that whatever
    else has begun a step is dead, and so is whatever has a place in a pool, waits for one, or was given one and did not
    take it. The project's own steps need no pool, because that lock keeps writers apart; a step of yours may have one.
    """
    storage = instance.event_log_storage
    claimed: set[str] = set()
    if storage.supports_global_concurrency_limits:
        for key in storage.get_concurrency_keys():
            info = storage.get_concurrency_info(key)
            claimed |= info.active_run_ids | info.assigned_run_ids | info.pending_run_ids
    claimed.discard(run_id)
    for other in sorted(claimed):
        storage.free_concurrency_slots_for_run(other)
    began = [
        run
        for run in instance.get_runs(RunsFilter(statuses=list(UNFINISHED)))
        if run.run_id in claimed
        or (
            run.run_id != run_id
            and run.job_name not in WITHOUT_LOCK
            and instance.get_run_step_stats(run.run_id)
        )
    ]
    for run in began:
        instance.report_run_failed(run, KILLED)
    return sorted(claimed | {run.run_id for run in began})
