"""Statements as a command people type."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from orchestration.warehouse.settings import RunSettings

EXIT_REFUSED = 1


def add_statement_command(main: click.Group, with_settings: Callable[..., Any]) -> None:
    """Add the command to the command line."""
    assert statements.callback is not None
    statements.callback = with_settings(statements.callback)
    main.add_command(statements)


@click.command()
@click.argument("period")
@click.option("--payee", "payee_id", help="One payee's page only.")
@click.option("--manager", "manager_id", help="One manager's page and those of the team only.")
@click.option(
    "--to",
    type=click.Path(path_type=Path),
    help="Folder of the pages (default: statements/PERIOD in COMMISSIONS_HOME).",
)
def statements(
    settings: RunSettings, period: str, payee_id: str | None, manager_id: str | None, to: Path | None
) -> None:
    """Write the statements of PERIOD (2014-03) as pages: one per payee, one per manager, and an index.

    Only what is released: credits once a plan's credits are, rewards once its rewards are. Plain files that need no network
    and no script; printed, every line is unfolded.
    """
    from orchestration.reading.statements.reading import StatementsError
    from orchestration.reading.statements.writing import write_statements

    try:
        told = write_statements(settings, period, payee_id=payee_id, manager_id=manager_id, to=to)
    except StatementsError as error:
        click.echo(f"Refused: {error}. Nothing was written.", err=True)
        sys.exit(EXIT_REFUSED)
    click.echo("\n".join(told))
