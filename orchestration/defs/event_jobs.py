"""Delivery in Dagster: a job, and a sensor that starts it when something is due."""

from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster import DagsterRunStatus, RunsFilter

from orchestration.defs.dead_runs import KILLED
from orchestration.telling.alerts import flush
from orchestration.telling.alerts.store import open_store
from orchestration.telling.events.delivery import deliver
from orchestration.telling.events.outbox import open_outbox
from orchestration.telling.events.receivers import Receiver, read_receivers
from orchestration.telling.notifications import NotificationsError, notifications_file, read_notifications
from orchestration.warehouse.files import BooksError
from orchestration.warehouse.settings import RunSettings

JOB_NAME = "deliver_events"
INTERVAL_SECONDS = 30
UNFINISHED = (
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
)
# A pass ends within minutes; a run that is older was killed.
DEAD_AFTER = timedelta(minutes=15)
AGAIN_AFTER = timedelta(minutes=10)


# In no pool: it does not touch the warehouse.
@dg.op
def deliver_due_events(context: dg.OpExecutionContext) -> None:
    """Derive the events that are new, and send every receiver what is due; then the alerts that were not taken yet."""
    try:
        receivers = read_receivers(read_notifications(notifications_file()))
        served = deliver(RunSettings.from_env(), receivers)
        alerts = flush(RunSettings.from_env())
    except (BooksError, NotificationsError) as error:
        raise dg.Failure(f"Nothing was delivered: {error}.", allow_retries=False) from None
    for sent in alerts:
        (context.log.error if sent.problem else context.log.info)(str(sent))
    for one in served:
        (context.log.error if one.is_refused else context.log.info)(str(one))


@dg.job(name=JOB_NAME, description=deliver_due_events.__doc__, executor_def=dg.in_process_executor)
def deliver_events() -> None:
    """Send what is due."""
    deliver_due_events()


@dg.sensor(
    name="events_are_due",
    job=deliver_events,
    minimum_interval_seconds=INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts deliver_events when the books hold a new event, or a receiver's delivery is due.",
)
def events_are_due(context: dg.SensorEvaluationContext) -> dg.SkipReason | dg.RunRequest:
    """Look without reading the books: count files, ask the outbox for one due row."""
    try:
        receivers = read_receivers(read_notifications(notifications_file()))
    except NotificationsError as error:
        return dg.SkipReason(f"notifications.toml cannot be used: {error}")
    settings = RunSettings.from_env()
    if not receivers and not settings.alerts.exists():
        return dg.SkipReason("no receivers in notifications.toml")
    if running := _unfinished(context.instance):
        return dg.SkipReason(f"run {running} delivers, or waits for another run to end")
    if failed := _failed_lately(context.instance):
        return dg.SkipReason(f"run {failed} failed; it is tried again after {AGAIN_AFTER}")
    reason = why_due(settings, receivers, datetime.now(UTC))
    return dg.RunRequest(tags={"reason": reason}) if reason else dg.SkipReason("nothing is due")


def why_due(settings: RunSettings, receivers: dict[str, Receiver], now: datetime) -> str | None:
    """Why a delivery would find something to do; None when it would not."""
    if settings.alerts.exists():
        with open_store(settings.alerts) as store:
            if store.pending(now):
                return "an alert was not taken yet"
    if not receivers:
        return None
    recorded = sum(1 for name in ("actions", "publications") for _ in (settings.books / name).glob("*.json"))
    with open_outbox(settings.outbox) as outbox:
        if recorded > outbox.last_sequence():
            return "the books hold new events"
        if (
            settings.published.exists()
            and settings.published.stat().st_mtime > settings.outbox.stat().st_mtime
        ):
            return "marts were published"
        for receiver in receivers.values():
            if not receiver.disabled and outbox.due(receiver, now, 1) and _can_be_sent_to(receiver, now):
                return f"deliveries to {receiver.name} are due"
            queued = outbox.rows("select queued_sequence from receivers where receiver = ?", [receiver.name])
            if not queued and outbox.last_sequence():
                return f"{receiver.name} is new"
    return None


def _can_be_sent_to(receiver: Receiver, now: datetime) -> bool:
    """Whether its secrets are set. Once an hour it is tried all the same: the delivery then reports what is missing."""
    try:
        receiver.keys()
    except NotificationsError:
        return now.minute == 0
    return True


def _unfinished(instance: dg.DagsterInstance) -> str | None:
    """The run of the job that has not ended; one that was killed is marked as failed instead."""
    for record in instance.get_run_records(RunsFilter(job_name=JOB_NAME, statuses=list(UNFINISHED))):
        run = record.dagster_run
        began = (
            datetime.fromtimestamp(record.start_time, UTC) if record.start_time else record.create_timestamp
        )
        # A queued run may wait for hours; the others last a few minutes.
        if run.status != DagsterRunStatus.QUEUED and datetime.now(UTC) - began > DEAD_AFTER:
            instance.report_run_failed(run, KILLED)
            continue
        return run.run_id
    return None


def _failed_lately(instance: dg.DagsterInstance) -> str | None:
    """The last run of the job when it failed a moment ago: it would fail again."""
    for record in instance.get_run_records(RunsFilter(job_name=JOB_NAME), limit=1):
        is_recent = record.end_time is not None and (
            datetime.now(UTC) - datetime.fromtimestamp(record.end_time, UTC) < AGAIN_AFTER
        )
        if record.dagster_run.status == DagsterRunStatus.FAILURE and is_recent:
            return record.dagster_run.run_id
    return None
