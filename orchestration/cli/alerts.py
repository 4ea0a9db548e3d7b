"""`commissions alerts`: test the channels, list what was sent."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click

from orchestration.warehouse.settings import RunSettings

EXIT_FAILED = 1


@click.group()
def alerts() -> None:
    """Test the alerts, list them. See docs/alerts.md.

    Channels are sections of orchestration/notifications.toml (COMMISSIONS_NOTIFICATIONS names another file).
    """


def add_alert_commands(main: click.Group, with_settings: Callable[..., Any]) -> None:
    """Add the commands to the command line."""
    for command in (test_channels, list_alerts):
        assert command.callback is not None
        command.callback = with_settings(command.callback)
        alerts.add_command(command)
    main.add_command(alerts)


@click.command("test")
@click.option("--channel", help="One channel; without it all.")
def test_channels(settings: RunSettings, channel: str | None) -> None:
    """Send a test alert to each channel, whatever it wants and however often. Exit code 1 when one did not take it."""
    from dataclasses import replace
    from uuid import uuid4

    from orchestration.telling.alerts import Alert, send_alerts
    from orchestration.telling.alerts.config import configured_alerts
    from orchestration.telling.notifications import NotificationsError

    try:
        config = configured_alerts()
    except NotificationsError as error:
        click.echo(f"Refused: {error}.", err=True)
        sys.exit(EXIT_FAILED)
    chosen = {name: one for name, one in config.channels.items() if channel in (None, name)}
    if channel and not chosen:
        listed = ", ".join(config.channels) or "none; describe one in orchestration/notifications.toml"
        click.echo(f"Refused: there is no channel {channel}; known: {listed}.", err=True)
        sys.exit(EXIT_FAILED)
    if not chosen:
        click.echo("No channels: describe one in orchestration/notifications.toml (docs/alerts.md).")
        return
    test = Alert(
        "test",
        "warning",
        "Test alert of the commission warehouse",
        "Nothing is wrong: the channels were tried with `commissions alerts test`.",
        f"test/{uuid4()}",
    )
    sent = send_alerts(test, settings=settings, config=replace(config, channels=chosen))
    for name in chosen:
        told = [str(one) for one in sent if one.channel == name]
        click.echo("\n".join(told) or f"{name}: disabled")
    if any(one.problem for one in sent):
        sys.exit(EXIT_FAILED)


@click.command("list")
@click.option("--limit", default=20, show_default=True, help="So many, the latest first.")
def list_alerts(settings: RunSettings, limit: int) -> None:
    """List the latest alerts and whether they were delivered."""
    from orchestration.telling.alerts.store import open_store

    if not settings.alerts.exists():
        click.echo("No alerts.")
        return
    with open_store(settings.alerts) as store:
        rows = store.latest(limit)
    for row in rows:
        click.echo(
            f"{row['raised_at'][:19]}Z {row['severity']:<7} {row['kind']}: {row['title']}; {row['became']}"
        )
    if not rows:
        click.echo("No alerts.")
