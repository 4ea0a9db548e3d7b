"""Disputes as commands people type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from orchestration.cli.closing import _act, by, dry_run, reason
from orchestration.warehouse.settings import RunSettings


def add_dispute_commands(main: click.Group, with_settings: Callable[..., Any]) -> None:
    """Add the commands to the command line."""
    for command in (file, answer, accept, reject, withdraw):
        assert command.callback is not None
        command.callback = with_settings(command.callback)
        dispute.add_command(command)
    assert disputes.callback is not None
    disputes.callback = with_settings(disputes.callback)
    main.add_command(dispute)
    main.add_command(disputes)


@click.group()
def dispute() -> None:
    """File a dispute, answer it, decide it. It moves no money by itself."""


@click.command()
@click.argument("line", required=False)
@click.option("--payee", "payee_id", help="The payee, where no LINE is named.")
@click.option("--period", help="The month of the payout (2014-03), where no LINE is named.")
@click.option("--plan", "plan_id", help="The plan of the payout.")
@click.option("--deal", "transaction_id", help="The deal that is missing or wrong in the payout.")
@click.option("--currency", "currency_code", help="Where the payout has several currencies, or none yet.")
@click.option("--claim", help="What it should be instead, as an amount.")
@reason
@by
@dry_run
def file(
    settings: RunSettings,
    line: str | None,
    payee_id: str | None,
    period: str | None,
    plan_id: str | None,
    transaction_id: str | None,
    currency_code: str | None,
    claim: str | None,
    reason: str,
    actor: str,
    dry_run: bool,
) -> None:
    """File a dispute against LINE (a ledger_line_key of fct_ledger_lines), or against a payee's payout of a month.

    The payee files it, or the manager; also of a closed month, whose remedy is posted in the first open one.
    """
    from orchestration.books import disputes as acting

    of_payout = [payee_id, period, plan_id, transaction_id, currency_code]
    if line is not None and any(of_payout):
        raise click.UsageError(
            "Name a LINE, or --payee and --period with what else the payout needs; not both."
        )
    if line is None and not (payee_id and period):
        raise click.UsageError("Name a LINE, or --payee and --period.")
    if line is not None:
        _act(
            settings,
            dry_run,
            lambda desk: acting.file_line(desk, line, claim=claim, reason=reason, actor=actor),
        )
        return
    _act(
        settings,
        dry_run,
        lambda desk: acting.file_payout(
            desk,
            payee_id=str(payee_id),
            period_code=str(period),
            plan_id=plan_id,
            transaction_id=transaction_id,
            currency_code=currency_code,
            claim=claim,
            reason=reason,
            actor=actor,
        ),
    )


@click.command()
@click.argument("number", type=int)
@reason
@by
@dry_run
def answer(settings: RunSettings, number: int, reason: str, actor: str, dry_run: bool) -> None:
    """Answer the open dispute NUMBER without deciding it."""
    from orchestration.books import disputes as acting

    _act(settings, dry_run, lambda desk: acting.answer(desk, number, reason=reason, actor=actor))


@click.command()
@click.argument("number", type=int)
@click.option("--adjustment", "adjustment_number", type=int, help="The adjustment that settles it.")
@reason
@by
@dry_run
def accept(
    settings: RunSettings,
    number: int,
    adjustment_number: int | None,
    reason: str,
    actor: str,
    dry_run: bool,
) -> None:
    """Accept the open dispute NUMBER: an adjustment settles it, or corrected data and the next run."""
    from orchestration.books import disputes as acting

    _act(
        settings,
        dry_run,
        lambda desk: acting.decide(
            desk,
            number,
            is_accepted=True,
            adjustment_number=adjustment_number,
            reason=reason,
            actor=actor,
        ),
    )


@click.command()
@click.argument("number", type=int)
@reason
@by
@dry_run
def reject(settings: RunSettings, number: int, reason: str, actor: str, dry_run: bool) -> None:
    """Reject the open dispute NUMBER."""
    from orchestration.books import disputes as acting

    _act(
        settings,
        dry_run,
        lambda desk: acting.decide(
            desk, number, is_accepted=False, adjustment_number=None, reason=reason, actor=actor
        ),
    )


@click.command()
@click.argument("number", type=int)
@reason
@by
@dry_run
def withdraw(settings: RunSettings, number: int, reason: str, actor: str, dry_run: bool) -> None:
    """Withdraw the open dispute NUMBER; only the person who filed it or the payee may."""
    from orchestration.books import disputes as acting

    _act(
        settings,
        dry_run,
        lambda desk: acting.withdraw_dispute(desk, number, reason=reason, actor=actor),
    )


@click.command()
@click.option("--open", "is_open_only", is_flag=True, help="Only those that nobody has decided.")
def disputes(settings: RunSettings, is_open_only: bool) -> None:
    """List the disputes and how far each has come."""

    def listed(desk: Any) -> list[str]:
        from orchestration.books import disputes as acting
        from orchestration.wording import table

        def amount(value: Any) -> str:
            return "" if value is None else acting.plain(value)

        rows = acting.disputes(desk, is_open_only=is_open_only)
        if not rows:
            return ["No open dispute." if is_open_only else "No dispute."]
        shown = [
            [
                str(row["dispute_number"]),
                row["state_code"],
                row["payee_id"],
                row["period_code"],
                row["plan_id"] or "",
                row["currency_code"] or "",
                amount(row["disputed_amount"]),
                amount(row["claimed_amount"]),
                amount(row["settled_amount"]),
                str(row["open_days"]),
            ]
            for row in rows
        ]
        heads = ["no.", "state", "payee", "period", "plan", "in", "disputed", "claimed", "settled", "days"]
        return table(heads, shown, left=6)

    _act(settings, True, listed)
