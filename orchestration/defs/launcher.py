"""Finds out whether the process of a run is alive: Dagster's own launcher cannot, and a dead run would block the queue."""

from __future__ import annotations

import os
from typing import Any

from dagster import DagsterEventType, DagsterRun
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus
from dagster._core.launcher.default_run_launcher import DefaultRunLauncher
from dagster._core.storage.tags import GRPC_INFO_TAG
from dagster._grpc.types import CanCancelExecutionRequest, CanCancelExecutionResult, GetCurrentRunsResult
from dagster_shared.serdes import deserialize_value

from orchestration.warehouse.lock import holder_of
from orchestration.warehouse.settings import RunSettings


class WatchedRunLauncher(DefaultRunLauncher):
    """Dagster's launcher, with an answer to whether a run is alive.

    A run that the daemon launched is a child of a code server: that is asked, under `commissions ui` by way of another one. A run of the command line holds the run lock.
    The daemon asks every half minute (run_monitoring), marks dead runs as failed, and restarts them where their job
    allows that (tag dagster/max_retries).
    """

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Whether runs can be watched: they can."""
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Whether the process of a run that has started is there."""
        if GRPC_INFO_TAG not in run.tags:
            return _of_command_line()
        client: Any = self._get_grpc_client_for_termination(run.run_id)
        if client is None:
            return CheckRunHealthResult(WorkerStatus.SUCCESS)  # it ended meanwhile
        try:
            is_alive = self._is_alive(client, run.run_id)
        except DagsterUserCodeUnreachableError:
            return CheckRunHealthResult(WorkerStatus.FAILED, "The server that started this run is gone.")
        if is_alive:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.FAILED, "The process of this run ended before the run did.")

    def _is_alive(self, client: Any, run_id: str) -> bool:
        try:
            answer = deserialize_value(client.get_current_runs(), GetCurrentRunsResult)
        except DagsterUserCodeUnreachableError:
            # `commissions ui` has a server in between, which does not pass this question on, and this one only to the
            # newest of its servers: after a reload of the definitions that one does not know the run.
            asked = client.can_cancel_execution(CanCancelExecutionRequest(run_id=run_id))
            return deserialize_value(asked, CanCancelExecutionResult).can_cancel or self._process_exists(
                run_id
            )
        return bool(answer.serializable_error_info) or run_id in answer.current_runs

    def _process_exists(self, run_id: str) -> bool:
        events = self._instance.all_logs(run_id, of_type=DagsterEventType.ENGINE_EVENT)
        for event in events:
            pid = event.get_dagster_event().engine_event_data.metadata.get("pid")
            if pid is not None:
                try:
                    os.kill(int(str(pid.value)), 0)
                except ProcessLookupError:
                    continue
                except PermissionError:  # of another user, so there is one
                    pass
                return True
        return False


def _of_command_line() -> CheckRunHealthResult:
    if holder_of(RunSettings.from_env().lock):
        return CheckRunHealthResult(WorkerStatus.RUNNING)
    return CheckRunHealthResult(
        WorkerStatus.FAILED,
        "Nobody holds the run lock: the command of this run was killed, or the machine stopped.",
    )
