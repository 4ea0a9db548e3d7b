"""The actions as commands people type."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click

from orchestration.warehouse.lock import RunInProgress
from orchestration.warehouse.settings import RunSettings

EXIT_REFUSED = 1
EXIT_LOCKED = 3

by = click.option(
    "--by", "actor", required=True, envvar="COMMISSIONS_ACTOR", help="Who does it (or COMMISSIONS_ACTOR)."
)
dry_run = click.option("--dry-run", is_flag=True, help="Say what would be done; write nothing.")
plan = click.option("--plan", "plan_id", help="One plan; without it all plans with lines in the month.")
reason = click.option("--reason", required=True, help="Why; it stays in the log.")


def add_commands(main: click.Group, with_settings: Callable[..., Any]) -> None:
    """Add the commands to the command line."""
    for command in (
        release,
        approve,
        withdraw,
        adjust,
        approve_adjustment,
        reject_adjustment,
        reverse_adjustment,
        accept_edits,
        approve_edits,
        reject_edits,
        close,
        supersede,
        verify,
        periods,
    ):
        assert command.callback is not None
        command.callback = with_settings(command.callback)
        main.add_command(command)


def _act(settings: RunSettings, is_dry_run: bool, what: Callable[[Any], list[str]]) -> None:
    import duckdb

    from orchestration.books.desk import open_desk
    from orchestration.warehouse.files import BooksError
    from orchestration.warehouse.publish import PublishError

    try:
        with open_desk(settings, is_dry_run=is_dry_run) as desk:
            told = what(desk)
    except RunInProgress as error:
        click.echo(f"Refused: {error}", err=True)
        sys.exit(EXIT_LOCKED)
    except (BooksError, PublishError) as error:
        click.echo(f"Refused: {error}.", err=True)
        sys.exit(EXIT_REFUSED)
    except (duckdb.Error, OSError) as error:
        # A full disk, a warehouse that is open elsewhere: what was begun is taken back by the next command.
        click.echo(f"Failed: {str(error).splitlines()[0]}. Fix it and type the command again.", err=True)
        sys.exit(EXIT_REFUSED)
    click.echo("\n".join(told))


@click.command()
@click.argument("what", type=click.Choice(["credits", "rewards"]))
@click.argument("period")
@plan
@by
@dry_run
def release(
    settings: RunSettings, what: str, period: str, plan_id: str | None, actor: str, dry_run: bool
) -> None:
    """Release the credits, then the rewards of PERIOD (2014-03): they are complete and may be looked at.

    A release holds for the lines as they are; when a later run changes them, the month is a draft again.
    """
    from orchestration.books import acting

    _act(settings, dry_run, lambda desk: acting.release(desk, what, period, plan_id, actor))


@click.command()
@click.argument("period")
@plan
@by
@dry_run
def approve(settings: RunSettings, period: str, plan_id: str | None, actor: str, dry_run: bool) -> None:
    """Give the next approval of PERIOD (2014-03).

    The steps are in seeds/operations/approval_steps.csv, who may give them in approvers.csv.
    """
    from orchestration.books import acting

    _act(settings, dry_run, lambda desk: acting.approve(desk, period, plan_id, actor))


@click.command()
@click.argument("period")
@click.option("--plan", "plan_id", required=True, help="The plan.")
@reason
@by
@dry_run
def withdraw(
    settings: RunSettings, period: str, plan_id: str, reason: str, actor: str, dry_run: bool
) -> None:
    """Take the releases and approvals of a plan's open month back."""
    from orchestration.books import acting

    _act(settings, dry_run, lambda desk: acting.withdraw(desk, period, plan_id, reason, actor))


# A negative amount is not an option.
@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("payee")
@click.argument("plan_id", metavar="PLAN")
@click.argument("period")
@click.argument("amount")
@click.argument("currency")
@reason
@by
@dry_run
def adjust(
    settings: RunSettings,
    payee: str,
    plan_id: str,
    period: str,
    amount: str,
    currency: str,
    reason: str,
    actor: str,
    dry_run: bool,
) -> None:
    """Ask for a manual adjustment: AMOUNT (negative to take back) in CURRENCY to PAYEE under PLAN, about PERIOD.

    It counts once another person has approved it, and is never edited: reverse-adjustment takes it back.
    """
    from orchestration.books import acting

    _act(
        settings,
        dry_run,
        lambda desk: acting.adjust(
            desk,
            payee_id=payee,
            plan_id=plan_id,
            period_code=period,
            amount=amount,
            currency_code=currency,
            reason=reason,
            actor=actor,
        ),
    )


@click.command("approve-adjustment")
@click.argument("number", type=int)
@by
@dry_run
def approve_adjustment(settings: RunSettings, number: int, actor: str, dry_run: bool) -> None:
    """Approve the adjustment NUMBER; the next run posts it."""
    from orchestration.books import acting

    _act(
        settings,
        dry_run,
        lambda desk: acting.decide_adjustment(desk, number, is_approved=True, reason="", actor=actor),
    )


@click.command("reject-adjustment")
@click.argument("number", type=int)
@reason
@by
@dry_run
def reject_adjustment(settings: RunSettings, number: int, reason: str, actor: str, dry_run: bool) -> None:
    """Reject the adjustment NUMBER."""
    from orchestration.books import acting

    _act(
        settings,
        dry_run,
        lambda desk: acting.decide_adjustment(desk, number, is_approved=False, reason=reason, actor=actor),
    )


@click.command("reverse-adjustment")
@click.argument("number", type=int)
@reason
@by
@dry_run
def reverse_adjustment(settings: RunSettings, number: int, reason: str, actor: str, dry_run: bool) -> None:
    """Ask for the reversal of the approved adjustment NUMBER; another person approves it."""
    from orchestration.books import acting

    _act(settings, dry_run, lambda desk: acting.reverse_adjustment(desk, number, reason, actor))


@click.command("accept-edits")
@click.argument("deal")
@reason
@by
@dry_run
def accept_edits(settings: RunSettings, deal: str, reason: str, actor: str, dry_run: bool) -> None:
    """Ask that the edits of DEAL (crm/Opportunity/SO50728) after its close count, as they are landed now.

    They count once another person has approved it.
    """
    from orchestration.books import acting

    _act(settings, dry_run, lambda desk: acting.accept_edits(desk, deal, reason, actor))


@click.command("approve-edits")
@click.argument("number", type=int)
@by
@dry_run
def approve_edits(settings: RunSettings, number: int, actor: str, dry_run: bool) -> None:
    """Approve the request NUMBER; the edits count from the next run on."""
    from orchestration.books import acting

    _act(
        settings,
        dry_run,
        lambda desk: acting.decide_edits(desk, number, is_approved=True, reason="", actor=actor),
    )


@click.command("reject-edits")
@click.argument("number", type=int)
@reason
@by
@dry_run
def reject_edits(settings: RunSettings, number: int, reason: str, actor: str, dry_run: bool) -> None:
    """Reject the request NUMBER."""
    from orchestration.books import acting

    _act(
        settings,
        dry_run,
        lambda desk: acting.decide_edits(desk, number, is_approved=False, reason=reason, actor=actor),
    )


@click.command()
@click.argument("period")
@by
@dry_run
def close(settings: RunSettings, period: str, actor: str, dry_run: bool) -> None:
    """Close PERIOD (2014-03) for good: its lines and the configuration are frozen in a book.

    The first open month only, after its end, with all its plans approved. Nothing opens it again: what changes later
    is posted in the first open month with a reason.
    """
    from orchestration.books import acting

    _act(settings, dry_run, lambda desk: acting.close(desk, period, actor))


@click.command()
@click.argument("number", type=int)
@reason
@by
@dry_run
def supersede(settings: RunSettings, number: int, reason: str, actor: str, dry_run: bool) -> None:
    """Set the action NUMBER of the log aside, which cannot be landed and stops every command.

    An action that lands is refused: it is taken back by a command of its own.
    """
    from orchestration.books.superseding import supersede as set_aside
    from orchestration.warehouse.files import BooksError

    try:
        told = set_aside(settings, number, reason, actor, is_dry_run=dry_run)
    except RunInProgress as error:
        click.echo(f"Refused: {error}", err=True)
        sys.exit(EXIT_LOCKED)
    except BooksError as error:
        click.echo(f"Refused: {error}.", err=True)
        sys.exit(EXIT_REFUSED)
    click.echo("\n".join(told))


@click.command()
@click.option(
    "--rebuild", is_flag=True, help="Calculate the ledger again from landings and books; compare its bytes."
)
def verify(settings: RunSettings, rebuild: bool) -> None:
    """Prove the books: every action and every book in its chain, every byte as it was, every sum.

    Writes nothing.
    """
    from orchestration.books import verify as verifying
    from orchestration.warehouse.files import BooksError
    from orchestration.warehouse.lock import RunLock

    try:
        with RunLock(settings.lock):
            told = verifying.verify(settings, is_rebuilt=rebuild)
    except RunInProgress as error:
        click.echo(f"Refused: {error}", err=True)
        sys.exit(EXIT_LOCKED)
    except BooksError as error:
        click.echo(f"NOT VERIFIED: {error}.", err=True)
        sys.exit(EXIT_REFUSED)
    click.echo("\n".join([*told, "Verified."]))


@click.command()
def periods(settings: RunSettings) -> None:
    """List the months: closed, or how far each plan has come."""

    def listed(desk: Any) -> list[str]:
        from orchestration.books import acting
        from orchestration.wording import table

        rows = [
            [
                row["period_code"],
                row["plan_id"],
                row["state_code"] + (" (stale)" if row["is_stale"] else ""),
                row["next_role_code"] if row["state_code"] == "rewards_released" else "",
                row["closed_by"] or "",
                f"{row['line_count']:,}",
            ]
            for row in acting.periods(desk)
        ]
        return table(["period", "plan", "state", "waits for", "closed by", "lines"], rows, left=5)

    _act(settings, True, listed)
