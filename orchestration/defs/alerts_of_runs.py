"""The alerts of a Dagster run: the step that failed it, and the checks that did not pass."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import dagster as dg
from dagster import AssetCheckEvaluation, DagsterEventType, DagsterRun, DagsterRunStatus

from orchestration.defs.failed_steps import failed_steps
from orchestration.telling.alerts.alert import Alert, Kind, Severity, cut

# More failed checks of one severity than this are reported in one alert.
SINGLE_CHECKS_MAX = 3
LISTED_MAX = 10
# So that what follows the message is not cut off.
MESSAGE_LENGTH_MAX = 1_500


def alerts_of_run(instance: dg.DagsterInstance, run: DagsterRun) -> list[Alert]:
    """What a person has to look at after a run that has ended; empty when all was well."""
    events = [
        record.dagster_event
        for record in instance.all_logs(
            run.run_id,
            of_type={
                DagsterEventType.STEP_FAILURE,
                DagsterEventType.RUN_FAILURE,
                DagsterEventType.ASSET_CHECK_EVALUATION,
            },
        )
        if record.dagster_event
    ]
    alerts = []
    if run.status == DagsterRunStatus.FAILURE:
        alerts.append(_failed(run, failed_steps(events)))
    evaluations = [
        event.asset_check_evaluation_data
        for event in events
        if event.event_type == DagsterEventType.ASSET_CHECK_EVALUATION
    ]
    return alerts + _checks(run, [one for one in evaluations if not one.passed])


def _failed(run: DagsterRun, steps: Sequence[tuple[str, str]]) -> Alert:
    step, message = steps[0] if steps else ("", "the log says where")
    # A refused manual action has changed nothing, and the person sees it: no error is raised for it.
    severity: Severity = "warning" if message.startswith("Refused: ") else "error"
    others = f"\nAlso failed: {', '.join(name for name, _ in steps[1:])}." if len(steps) > 1 else ""
    return Alert(
        "run_failed",
        severity,
        f"Run of {run.job_name} failed" + (f" in step {step}" if step else ""),
        f"{cut(message, MESSAGE_LENGTH_MAX)}{others}\n\nRun {run.run_id}. Fix what the message names, then start {run.job_name} again; until then "
        "readers see what was published before.",
        f"{run.job_name}/{step}",
    )


def _checks(run: DagsterRun, failed: Sequence[AssetCheckEvaluation]) -> list[Alert]:
    alerts: list[Alert] = []
    groups: dict[tuple[Kind, Severity], list[AssetCheckEvaluation]] = {}
    for one in failed:
        kind: Kind = "freshness_overdue" if "freshness" in one.check_name else "check_failed"
        severity: Severity = "error" if one.severity == dg.AssetCheckSeverity.ERROR else "warning"
        groups.setdefault((kind, severity), []).append(one)
    for (kind, severity), group in sorted(groups.items()):
        title = "overdue" if kind == "freshness_overdue" else "did not pass"
        if len(group) <= SINGLE_CHECKS_MAX:
            alerts += [
                Alert(kind, severity, f"{_name(one)} {title}", _text(run, [one]), _name(one)) for one in group
            ]
            continue
        names = sorted(_name(one) for one in group)
        # Another set of checks is another alert.
        subject = f"{run.job_name}/{hashlib.sha256(' '.join(names).encode()).hexdigest()[:12]}"
        alerts.append(Alert(kind, severity, f"{len(group)} checks {title}", _text(run, group), subject))
    return alerts


def _name(one: AssetCheckEvaluation) -> str:
    return f"{one.asset_key.to_user_string()}/{one.check_name}"


def _text(run: DagsterRun, group: Sequence[AssetCheckEvaluation]) -> str:
    listed = sorted(group, key=_name)[:LISTED_MAX]
    lines = [f"{_name(one)}: {one.description or 'its rows are found by its query'}" for one in listed]
    if len(group) > len(listed):
        lines.append(f"and {len(group) - len(listed)} more")
    return "\n".join(
        [*lines, "", f"Run {run.run_id} of {run.job_name}; the checks are on the page of their asset."]
    )
