"""What runs because something happened: a refund landed, a month was closed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import dagster as dg

from orchestration.books.actions import read_actions
from orchestration.defs.losses import LOSSES
from orchestration.operating.cadences import Cadences
from orchestration.warehouse.files import BooksError
from orchestration.warehouse.settings import RunSettings

if TYPE_CHECKING:
    from orchestration.defs.schedules import AssetJob


def losses_sensor(landed: Sequence[dg.AssetKey], seconds: int, job: AssetJob) -> dg.SensorDefinition:
    """Calculate at once when a landing brought refunds, credit memos or cancellations.

    The day's calculation waits for every source; what was paid too much should not wait with it.

    Args:
        landed: one landed table of each source.
        seconds: how often it looks, at most.
        job: the one that calculates from what has landed.
    """

    @dg.sensor(
        name="losses_sensor",
        job=job,
        minimum_interval_seconds=seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Calculates at once when a landing brought refunds, credit memos or cancellations.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        seen = int(context.cursor) if context.cursor else 0
        latest, found = seen, []
        for key in landed:
            for record in context.instance.fetch_materializations(key, limit=1).records:
                if record.storage_id <= seen or record.asset_materialization is None:
                    continue
                latest = max(latest, record.storage_id)
                losses = record.asset_materialization.metadata.get(LOSSES)
                if losses and int(str(losses.value)):
                    found.append(f"{losses.value} with {key.path[0]}")
        if not found:
            return dg.SensorResult(
                skip_reason="No landing has brought refunds, credit memos or cancellations.",
                cursor=str(latest),
            )
        because = "losses landed: " + ", ".join(found)
        return dg.SensorResult(
            run_requests=[dg.RunRequest(run_key=f"losses-{latest}", tags={"commissions/because": because})],
            cursor=str(latest),
        )

    return sensor


def journal_sensor(cadences: Cadences, job: dg.JobDefinition) -> dg.SensorDefinition:
    """Write a month's journal when the month is closed."""

    @dg.sensor(
        name="journal_sensor",
        job=job,
        minimum_interval_seconds=cadences.sensor_seconds,
        default_status=(
            dg.DefaultSensorStatus.RUNNING if cadences.journal_is_running else dg.DefaultSensorStatus.STOPPED
        ),
        description="Writes a month's journal when the month is closed. Months closed before it was switched on: by hand.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        try:
            actions = read_actions(RunSettings.from_env().books / "actions")
        except BooksError as error:
            raise dg.Failure(f"{error}", allow_retries=False) from None
        seen = int(context.cursor) if context.cursor else None
        last = str(actions[-1].action_number if actions else 0)
        if seen is None:
            return dg.SensorResult(skip_reason=f"It begins after action {last} of the log.", cursor=last)
        closed = [
            action for action in actions if action.action_number > seen and action.action_code == "close"
        ]
        requests = [
            dg.RunRequest(
                run_key=f"journal-{action.period_code}",
                run_config={
                    "ops": {
                        "export_journal": {
                            "config": {
                                "month": action.period_code,
                                "by": cadences.journal_by,
                                "dry_run": False,
                            }
                        }
                    }
                },
                tags={"commissions/month": action.period_code or ""},
            )
            for action in closed
        ]
        if not requests:
            return dg.SensorResult(skip_reason="No month was closed.", cursor=last)
        return dg.SensorResult(run_requests=requests, cursor=last)

    return sensor
