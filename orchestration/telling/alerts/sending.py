"""Raises alerts and sends what is pending."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from orchestration.telling.alerts.alert import Alert, presentable
from orchestration.telling.alerts.channels import NotSent, send_to
from orchestration.telling.alerts.config import AlertsConfig, configured_alerts
from orchestration.telling.alerts.store import Pending, Store, open_store
from orchestration.telling.notifications import NotificationsError
from orchestration.warehouse.lock import RunLock
from orchestration.warehouse.settings import RunSettings

ATTEMPTS = 3
PAUSE_SECONDS = 1.0


@dataclass(frozen=True)
class Sent:
    """What happened to an alert on a channel; ``problem`` is None when it was sent.

    ``channel`` is empty when the alert could not even be noted: then it will not be tried again.
    """

    channel: str
    title: str
    problem: str | None

    def __str__(self) -> str:
        return f"{self.channel or 'alerts'}: {self.title}: " + (
            f"NOT SENT, {self.problem}" if self.problem else "sent"
        )


def send_alerts(
    *alerts: Alert,
    settings: RunSettings | None = None,
    config: AlertsConfig | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    sleep: Callable[[float], None] = time.sleep,
) -> list[Sent]:
    """Send alerts to the channels that want them and did not have the same one lately; returns what happened to them.

    Never raises: what goes wrong is in the answer. What a channel did not take is kept, and tried again by `flush`.
    """
    settings = settings or RunSettings.from_env()
    try:
        config = config or configured_alerts()
        if not config.channels:
            return []
        with open_store(settings.alerts) as store:
            for alert in alerts:
                wanting = [channel.name for channel in config.channels.values() if channel.wants(alert)]
                store.raise_alert(presentable(alert), wanting, config.repeat_hours, now())
    except (NotificationsError, OSError, sqlite3.Error) as error:
        return [Sent("", alert.title, str(error)) for alert in alerts]
    return flush(settings, config=config, now=now, sleep=sleep)


def flush(
    settings: RunSettings,
    *,
    config: AlertsConfig | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    sleep: Callable[[float], None] = time.sleep,
) -> list[Sent]:
    """Send the alerts that channels did not take yet. Never raises."""
    if not settings.alerts.exists():
        return []
    try:
        config = config or configured_alerts()
        # One sender at a time: nobody gets an alert twice.
        lock = RunLock(settings.alerts.with_suffix(".lock"), wait=True)
        with lock, open_store(settings.alerts) as store:
            return [_send(store, config, pending, now, sleep) for pending in store.pending(now())]
    except (NotificationsError, OSError, sqlite3.Error) as error:
        return [Sent("", "pending alerts", str(error))]


def _send(
    store: Store,
    config: AlertsConfig,
    pending: Pending,
    now: Callable[[], datetime],
    sleep: Callable[[float], None],
) -> Sent:
    channel = config.channels.get(pending.channel)
    if channel is None:
        store.drop(pending, now())
        return Sent(pending.channel, pending.alert.title, "the channel is not configured any more")
    problem: str | None = None
    for attempt in range(ATTEMPTS):
        if attempt:
            sleep(PAUSE_SECONDS)
        try:
            send_to(channel, pending.alert, pending.alert_id, pending.raised_at, now())
            problem = None
            break
        except NotSent as error:
            problem = str(error)
            if not error.may_pass:
                break
    store.note(pending, problem, now())
    return Sent(pending.channel, pending.alert.title, problem)
