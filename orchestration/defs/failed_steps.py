"""Which steps of a run failed, and why."""

from __future__ import annotations

from collections.abc import Iterable

from dagster import DagsterEvent


def failed_steps(events: Iterable[DagsterEvent]) -> list[tuple[str, str]]:
    """The steps that failed, each with the words of the error that stopped it; a run that failed as a whole has no step."""
    found = []
    whole = []
    for event in events:
        if event.is_step_failure:
            data = event.step_failure_data
            message = data.user_failure_data.description if data.user_failure_data else None
            if not message and data.error:
                cause = data.error
                while cause.cause:
                    cause = cause.cause
                message = cause.message.strip()
            if message:
                found.append((event.step_key or "", message))
        elif event.is_failure and event.job_failure_data.error:
            whole.append(("", event.job_failure_data.error.message.strip()))
    return found or whole[:1]
