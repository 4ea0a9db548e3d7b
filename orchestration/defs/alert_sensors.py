"""Alerts for failed runs and checks: two sensors, on by default. Without channels they do nothing."""

import dagster as dg

from orchestration.defs.alerts_of_runs import alerts_of_run
from orchestration.telling.alerts.sending import send_alerts

INTERVAL_SECONDS = 30


def _tell(context: dg.RunStatusSensorContext) -> None:
    for sent in send_alerts(*alerts_of_run(context.instance, context.dagster_run)):
        (context.log.error if sent.problem else context.log.info)(str(sent))


@dg.run_failure_sensor(
    name="alert_on_failed_runs",
    description="Notifies the channels of notifications.toml which run failed, in which step, and why.",
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=INTERVAL_SECONDS,
)
def alert_on_failed_runs(context: dg.RunFailureSensorContext) -> None:
    """Alert about a run that failed."""
    _tell(context)


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    name="alert_on_failed_checks",
    description="Notifies the channels of notifications.toml which checks of a good run did not pass.",
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=INTERVAL_SECONDS,
)
def alert_on_failed_checks(context: dg.RunStatusSensorContext) -> None:
    """Alert about checks that did not pass in a run that went well."""
    _tell(context)


ALERT_SENSORS = [alert_on_failed_runs, alert_on_failed_checks]
