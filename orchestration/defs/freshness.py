"""Sources that have not landed for too long: Dagster's freshness policies, sent to the channels as alerts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.definitions.freshness import FreshnessState

from orchestration.operating.cadences import Cadences, Freshness
from orchestration.telling.alerts import Alert, Severity, send_alerts

TOLD_AGAIN_AFTER = timedelta(hours=1)
SEVERITIES: Mapping[FreshnessState, Severity] = {FreshnessState.WARN: "warning", FreshnessState.FAIL: "error"}


def late_alerts(
    states: Mapping[str, FreshnessState], titles: Mapping[str, str], cadences: Cadences
) -> list[Alert]:
    """The alerts of systems (by name) that are late or overdue; a system that never landed is neither."""
    return [
        _alert(name, titles[name], state, cadences.freshness_of(name))
        for name, state in sorted(states.items())
        if state in SEVERITIES
    ]


def _alert(name: str, title: str, state: FreshnessState, freshness: Freshness) -> Alert:
    limit = freshness.fail if state == FreshnessState.FAIL else freshness.warn
    hours = int(limit.total_seconds() // 3600)
    return Alert(
        "freshness_overdue",
        SEVERITIES[state],
        f"{title} has not landed for {hours} hours",
        f"Nothing of {name} has landed for more than {hours} hours; the day is not calculated before it has. Look at the runs of "
        f"land_{name}_now, fix what they name, and launch that job; `commissions check-sources` asks a connected system. "
        "To calculate without it, launch calculate_now.",
        f"{name}/{state.value.lower()}",
    )


def freshness_sensor(
    landed: Mapping[str, dg.AssetKey], titles: Mapping[str, str], cadences: Cadences
) -> dg.SensorDefinition:
    """Alert about sources that are late or overdue.

    Args:
        landed: one landed table of each system.
        titles: the systems' names as people say them.
    """

    @dg.sensor(
        name="freshness_sensor",
        minimum_interval_seconds=cadences.sensor_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Notifies the channels of notifications.toml which sources have not landed for too long.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        records = context.instance.get_freshness_state_records(list(landed.values()))
        states = {
            name: records[key].freshness_state for name, key in landed.items() if records.get(key) is not None
        }
        alerts = late_alerts(states, titles, cadences)
        # It looks every half minute: the same sources are reported again after an hour, and repeat_hours decides what is sent.
        late = ", ".join(alert.subject for alert in alerts)
        told, _, told_at = (context.cursor or "").rpartition("@")
        now = datetime.now(UTC)
        if late != told or (late and now - datetime.fromisoformat(told_at) >= TOLD_AGAIN_AFTER):
            for sent in send_alerts(*alerts):
                (context.log.error if sent.problem else context.log.info)(str(sent))
            context.update_cursor(f"{late}@{now.isoformat()}")
        return dg.SkipReason("; ".join(alert.title for alert in alerts) or "Every source has landed in time.")

    return sensor
