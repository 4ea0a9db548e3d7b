"""Does what should run by itself, and are the right people notified: cadences.toml, receivers of events, channels of alerts?"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from ingestion.api.config import ConfigError
from ingestion.landing.settings import Settings as IngestionSettings
from ingestion.landing.settings import SettingsError
from ingestion.registry import FILE_SYSTEMS, configured_systems
from orchestration.operating.cadences import CadencesError, cadences_file, read_cadences
from orchestration.operating.doctor.finding import Finding, Patient, check, error, ok, warning
from orchestration.telling.alerts.config import read_alerts
from orchestration.telling.events.receivers import read_receivers
from orchestration.telling.notifications import (
    NotificationsError,
    find_secret,
    notifications_file,
    read_notifications,
    secret_variable,
)

# The secret that each kind of channel cannot do without.
NEEDED = {"slack": "url", "webhook": "secret"}


@check("notifying", "cadences")
def cadences(patient: Patient) -> Iterator[Finding]:
    """When things run by themselves."""
    path = cadences_file(patient.env)
    try:
        connected = {one.config.name for one in configured_systems(IngestionSettings.from_env(patient.env))}
    except (ConfigError, SettingsError):
        connected = set()  # the check of sources.toml says it
    try:
        found = read_cadences(path, frozenset(connected | set(FILE_SYSTEMS)))
    except CadencesError as problem:
        yield error(str(problem), path, fix="correct it there, then restart Dagster's daemon")
        return
    yield ok(f"every source lands by {found.timezone}, files are written by '{found.payroll_by}'", path)


@check("notifying", "receivers and channels")
def receivers_and_channels(patient: Patient) -> Iterator[Finding]:
    """Who is notified of events and alerts, and whether their secrets are set."""
    path = notifications_file(patient.env)
    if path is None:
        yield ok("there is no notifications.toml: nobody is notified of events or alerts")
        return
    try:
        content = read_notifications(path)
        receivers, alerts = read_receivers(content), read_alerts(content)
    except NotificationsError as problem:
        yield error(str(problem), path, fix="correct it there, then: commissions events receivers")
        return
    for name, receiver in receivers.items():
        try:
            if not receiver.disabled:
                receiver.keys()
        except NotificationsError as problem:
            yield error(str(problem), path, fix="commissions events new-secret, and set it on both sides")
        else:
            told = "is switched off" if receiver.disabled else f"is sent {', '.join(receiver.types)}"
            yield ok(f"receiver {name} {told}", path)
    for name, channel in alerts.channels.items():
        needed = NEEDED.get(channel.kind)
        if needed and not channel.disabled and not find_secret("alerts", name, needed):
            variable = secret_variable("alerts", name, needed)
            yield error(
                f"channel {name} has no {needed}", path, fix=f"set {variable}, then: commissions alerts test"
            )
        else:
            yield ok(f"channel {name}: {channel.kind}{', switched off' if channel.disabled else ''}", path)
    if not alerts.channels:
        yield ok("no channel of alerts: a failed run is seen in the UI only (docs/alerts.md)", path)


@check("notifying", "events")
def events(patient: Patient) -> Iterator[Finding]:
    """Whether events were given up."""
    path = patient.settings.outbox
    if not path.exists():
        yield ok("no event was delivered yet", path)
        return
    try:
        # A copy, its log with it: to read the file itself would leave files beside it.
        with TemporaryDirectory() as folder:
            for live in path.parent.glob(f"{path.name}*"):
                shutil.copyfile(live, Path(folder) / live.name)
            with closing(sqlite3.connect(Path(folder) / path.name)) as outbox:
                counts = dict(
                    outbox.execute("select status, count(*) from deliveries group by status").fetchall()
                )
    except (OSError, sqlite3.Error) as problem:
        yield error(
            f"cannot be read: {problem}",
            path,
            fix=f"mv {path} {path}.broken; it is rebuilt from the books",
        )
        return
    if dead := counts.get("dead", 0):
        yield warning(
            f"{dead} events were given up",
            path,
            fix="commissions events dead, then: commissions events replay",
        )
    else:
        yield ok(f"{counts.get('pending', 0)} events wait, none was given up", path)
