"""`commissions events`: list, deliver, replay, compare, verify."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from orchestration.warehouse.settings import RunSettings

if TYPE_CHECKING:
    from orchestration.telling.events.outbox import Outbox
    from orchestration.telling.events.receivers import Receiver

EXIT_REFUSED = 1
EXIT_LOCKED = 3
SHOWN = 20


@click.group()
def events() -> None:
    """Send other systems what happened. See docs/events.md.

    Receivers are sections of orchestration/notifications.toml (COMMISSIONS_NOTIFICATIONS names another file).
    """


def add_event_commands(main: click.Group, with_settings: Callable[..., Any]) -> None:
    """Add the commands to the command line."""
    for command in (list_events, deliver, replay, receivers, dead, reconcile, verify):
        assert command.callback is not None
        command.callback = with_settings(command.callback)
        events.add_command(command)
    events.add_command(new_secret)
    main.add_command(events)


@contextmanager
def _refusals() -> Iterator[None]:
    """End the command with a message, and no traceback, when something cannot be done."""
    from orchestration.telling.events.asking import NothingChosen
    from orchestration.telling.notifications import NotificationsError
    from orchestration.warehouse.files import BooksError
    from orchestration.warehouse.lock import RunInProgress

    try:
        yield
    except RunInProgress as error:
        click.echo(f"Refused: {error.holder} is delivering to it; try again in a minute.", err=True)
        sys.exit(EXIT_LOCKED)
    except (BooksError, NotificationsError, NothingChosen) as error:
        click.echo(f"Refused: {error}.", err=True)
        sys.exit(EXIT_REFUSED)


@contextmanager
def _caught_up(settings: RunSettings) -> Iterator[Outbox]:
    """The outbox, brought up to the books, every receiver queued for what is new."""
    from orchestration.telling.events.delivery import catch_up
    from orchestration.telling.events.outbox import open_outbox

    with open_outbox(settings.outbox) as outbox:
        catch_up(settings, outbox, datetime.now(UTC))
        for receiver in _receivers().values():
            outbox.queue(receiver)
        yield outbox


def _receivers(only: str | None = None) -> dict[str, Receiver]:
    from orchestration.telling.events.receivers import read_receivers
    from orchestration.telling.notifications import NotificationsError, notifications_file, read_notifications

    known = read_receivers(read_notifications(notifications_file()))
    if only is None:
        return known
    if only not in known:
        listed = ", ".join(known) or "none; describe one in orchestration/notifications.toml"
        raise NotificationsError(f"there is no receiver {only}; known: {listed}")
    return {only: known[only]}


to = click.option("--to", "receiver", metavar="RECEIVER", help="One receiver; without it all.")
after = click.option("--after", default=0, show_default=True, help="Only events behind this sequence.")
event_type = click.option("--type", "event_type", help="Only this type; * matches anything: payout.*")
subject = click.option("--subject", help="Only this subject: period/2013-05, calculation.")
since = click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Only events from this day on (UTC).")


@click.command("list")
@after
@event_type
@subject
@since
@click.option("--limit", default=-1, help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="One event per line, exactly as it is sent.")
def list_events(
    settings: RunSettings,
    after: int,
    event_type: str | None,
    subject: str | None,
    since: datetime | None,
    limit: int,
    as_json: bool,
) -> None:
    """List the events in their order. A consumer that missed webhooks polls with --after and --json."""
    from orchestration.telling.events.asking import Choice, chosen
    from orchestration.wording import table

    choice = Choice((), after, subject, event_type, since.date() if since else None, limit)
    with _refusals(), _caught_up(settings) as outbox:
        rows = chosen(outbox, choice)
    if as_json:
        for row in rows:
            click.echo(row["body"])
        return
    if not rows:
        click.echo("No events." if not after else f"No events behind {after}.")
        return
    body = [
        [str(row["sequence"]), row["occurred_at"], row["event_type"], row["subject"], row["event_id"]]
        for row in rows
    ]
    click.echo("\n".join(table(["sequence", "at", "type", "subject", "id"], body, left=5)))


@click.command()
@to
@click.option("--dry-run", is_flag=True, help="Say what would be sent now; send nothing.")
def deliver(settings: RunSettings, receiver: str | None, dry_run: bool) -> None:
    """Send what is due.

    One pass over all receivers; what failed waits for its time. Dagster does it by itself.
    Exit code 1 when something is configured so that nothing can be sent.
    """
    from orchestration.telling.events import delivery

    with _refusals():
        served = delivery.deliver(settings, _receivers(receiver), is_dry_run=dry_run)
    for one in served:
        click.echo(str(one))
    if not served:
        click.echo("No receivers: describe one in orchestration/notifications.toml (docs/events.md).")
    if any(one.is_refused for one in served):
        sys.exit(EXIT_REFUSED)


@click.command()
@click.option("--to", "receiver", required=True, metavar="RECEIVER", help="Who gets them again.")
@click.option("--id", "ids", multiple=True, help="This event; may be repeated.")
@click.option("--dead", is_flag=True, help="Only what was given up.")
@click.option("--after", type=int, help="Only events behind this sequence.")
@event_type
@subject
@since
@click.option("--dry-run", is_flag=True, help="Say what would be sent again; change nothing.")
def replay(
    settings: RunSettings,
    receiver: str,
    ids: Sequence[str],
    dead: bool,
    after: int | None,
    event_type: str | None,
    subject: str | None,
    since: datetime | None,
    dry_run: bool,
) -> None:
    """Send events once more, under the same ids.

    They are queued for a receiver, and the next delivery sends them. At least one condition is needed; several must all hold. `--after 0` is everything.
    """
    from orchestration.telling.events import asking

    if not (ids or dead or event_type or subject or since) and after is None:
        raise click.UsageError("Say which events: --id, --dead, --after, --type, --subject or --since.")
    choice = asking.Choice(
        ids,
        after or 0,
        subject,
        event_type,
        since.date() if since else None,
        dead_of=receiver if dead else None,
    )
    with _refusals():
        (described,) = _receivers(receiver).values()
        with _caught_up(settings) as outbox:
            rows = asking.replay(settings, outbox, described, choice, is_dry_run=dry_run)
    for row in rows[:SHOWN]:
        click.echo(
            f"  {row['sequence']} {row['occurred_at']} {row['event_type']} {row['subject']} {row['event_id']}"
        )
    if len(rows) > SHOWN:
        click.echo(f"  and {len(rows) - SHOWN:,} more")
    done = (
        "would be sent again" if dry_run else "queued again; the next `commissions events deliver` sends them"
    )
    click.echo(f"{len(rows):,} events for {receiver} {done}.")


@click.command()
def receivers(settings: RunSettings) -> None:
    """List the receivers, and how far each has come."""
    from ingestion.api.errors import without_query
    from orchestration.telling.events import asking
    from orchestration.telling.notifications import NotificationsError
    from orchestration.wording import table

    with _refusals():
        known = _receivers()
        with _caught_up(settings) as outbox:
            states = asking.states(outbox, known)
    if not states:
        click.echo("No receivers: describe one in orchestration/notifications.toml (docs/events.md).")
        return
    body, problems = [], []
    for state in states:
        receiver = known.get(state["receiver"])
        note = "not configured any more"
        if receiver:
            note = "disabled" if receiver.disabled else without_query(receiver.url)
            try:
                receiver.keys()
            except NotificationsError as error:
                problems.append(f"{receiver.name}: {error}")
        body.append(
            [state["receiver"], note, state["acknowledged_at"] or "never"]
            + [f"{state[name]:,}" for name in ("acknowledged", "pending", "dead")]
        )
    header = ["receiver", "address", "last acknowledged", "acknowledged", "waiting", "given up"]
    click.echo("\n".join([*table(header, body, left=3), *problems]))
    if problems:
        sys.exit(EXIT_REFUSED)


@click.command()
def dead(settings: RunSettings) -> None:
    """List what was given up, and why.

    `replay --dead` queues it again.
    """
    from orchestration.telling.events import asking
    from orchestration.wording import table

    with _refusals(), _caught_up(settings) as outbox:
        letters = asking.dead_letters(outbox)
    if not letters:
        click.echo("Nothing was given up.")
        return
    names = (
        "receiver",
        "sequence",
        "event_type",
        "subject",
        "attempts",
        "given_up_at",
        "problem",
        "event_id",
    )
    body = [[str(letter[name]) for name in names] for letter in letters]
    click.echo("\n".join(table([name.replace("_", " ") for name in names], body, left=8)))


@click.command()
@to
@after
@click.option("--replay", "is_mended", is_flag=True, help="Queue again what the receiver does not have.")
def reconcile(settings: RunSettings, receiver: str | None, after: int, is_mended: bool) -> None:
    """Ask the receivers what they have.

    Compares the outbox with the answer of their acknowledged_url; without one lists what is not acknowledged.
    Exit code 1 when a receiver does not have every event.
    """
    from orchestration.telling.events import asking, reconciling

    agrees = True
    with _refusals():
        chosen = _receivers(receiver)
        with _caught_up(settings) as outbox:
            for one in chosen.values():
                found = reconciling.compare(outbox, one, after, datetime.now(UTC))
                agrees = agrees and found.agrees
                click.echo("\n".join(_compared(found)))
                missing = [row["event_id"] for row in found.lost]
                if is_mended and missing:
                    asking.replay(settings, outbox, one, asking.Choice(ids=missing), is_dry_run=False)
                    click.echo(
                        f"  {len(missing):,} queued again; the next `commissions events deliver` sends them"
                    )
    if not chosen:
        click.echo("No receivers: describe one in orchestration/notifications.toml (docs/events.md).")
    if not agrees:
        sys.exit(EXIT_REFUSED)


def _compared(found: Any) -> list[str]:
    told = [
        f"{found.receiver}: {found.acknowledged:,} acknowledged, {len(found.unacknowledged):,} not"
        + ("" if found.was_asked else "; it has no acknowledged_url, so it was not asked")
    ]
    for title, rows in (
        ("not acknowledged", found.unacknowledged),
        ("acknowledged, and the receiver does not have it", found.lost),
        ("the receiver has it, its acknowledgement was lost; it is sent again", found.unconfirmed),
    ):
        told += [
            f"  {title}: {row['sequence']} {row['event_type']} {row['subject']} {row['event_id']}"
            + (f" ({row['problem']})" if row["problem"] else "")
            for row in rows[:SHOWN]
        ]
        if len(rows) > SHOWN:
            told.append(f"  {title}: {len(rows) - SHOWN:,} more")
    told += [
        f"  the receiver has an event that was never sent from here: {one}" for one in found.unknown[:SHOWN]
    ]
    return told


@click.command()
def verify(settings: RunSettings) -> None:
    """Compare every event with the books. Writes nothing."""
    from orchestration.telling.events import asking
    from orchestration.telling.events.outbox import open_outbox

    with _refusals(), open_outbox(settings.outbox) as outbox:
        click.echo(f"{asking.verify(settings, outbox)}. Verified.")


@click.command("new-secret")
def new_secret() -> None:
    """Print a new signing secret."""
    from orchestration.telling.signing import new_secret as make

    click.echo(make())
