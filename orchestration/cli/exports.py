"""Payroll files and journals as commands people type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from orchestration.cli.closing import _act, dry_run
from orchestration.warehouse.settings import RunSettings


def add_export_commands(main: click.Group, with_settings: Callable[..., Any]) -> None:
    """Add the commands to the command line."""
    for command in (payroll, journal):
        assert command.callback is not None
        command.callback = with_settings(command.callback)
        main.add_command(command)


@click.command()
@click.argument("cycle", required=False)
@click.option("--group", "pay_group_id", help="One pay group; without it all that the cycle pays.")
@click.option("--by", "actor", envvar="COMMISSIONS_ACTOR", help="Who exports it (or COMMISSIONS_ACTOR).")
@dry_run
def payroll(
    settings: RunSettings, cycle: str | None, pay_group_id: str | None, actor: str | None, dry_run: bool
) -> None:
    """Export what the pay cycle CYCLE (2014-03) pays; without CYCLE list the cycles.

    Only approved or closed months, in the layout of the pay group, each amount once: the same command again writes the
    same file and says that nothing is new. What changes afterwards comes in the next file of the cycle as a difference.
    Calendar, groups, layouts and codes are in seeds/payroll.
    """
    from orchestration.books import exporting

    if cycle is None:
        _act(settings, True, _listed)
        return
    if not actor:
        raise click.UsageError("Missing option '--by'.")
    _act(settings, dry_run, lambda desk: exporting.payroll(desk, cycle, pay_group_id, actor))


@click.command()
@click.argument("month", required=False)
@click.option("--by", "actor", envvar="COMMISSIONS_ACTOR", help="Who exports it (or COMMISSIONS_ACTOR).")
@dry_run
def journal(settings: RunSettings, month: str | None, actor: str | None, dry_run: bool) -> None:
    """Export the journal of MONTH (2014-03) for the general ledger; without MONTH list the months.

    Only a month that has ended, with all months up to it approved or closed, each amount once: the same command again writes
    the same file and says that nothing is new. What changes afterwards comes in the month's next file as a difference.
    Accounts, posting rules and capitalisation are in seeds/accounting.
    """
    from orchestration.books import exporting

    if month is None:
        _act(settings, True, _listed_journal)
        return
    if not actor:
        raise click.UsageError("Missing option '--by'.")
    _act(settings, dry_run, lambda desk: exporting.journal(desk, month, actor))


def _listed_journal(desk: Any) -> list[str]:
    from orchestration.books import exporting
    from orchestration.wording import money, table

    rows = [
        [
            row["period_code"],
            row["currency_code"],
            str(row["file_count"]),
            money(row["debit_amount"]),
            money(row["new_amount"]),
        ]
        for row in exporting.journal_months(desk)
    ]
    return table(["month", "currency", "files", "debits", "new"], rows, left=2)


def _listed(desk: Any) -> list[str]:
    from orchestration.books import exporting
    from orchestration.wording import money, table

    amounts = ("waiting", "carried_in", "net", "exported", "new", "carried_out", "withheld")
    rows = [
        [
            row["pay_cycle_code"],
            row["pay_group_id"],
            row["pay_date"].isoformat(),
            row["currency_code"],
            str(row["file_count"]),
            *(money(row[f"{amount}_amount"]) for amount in amounts),
        ]
        for row in exporting.payroll_cycles(desk)
    ]
    header = ["cycle", "group", "pay date", "currency", "files", "not approved", "carried in", "net", "paid"]
    return table([*header, "new", "carried on", "withheld"], rows, left=4)
