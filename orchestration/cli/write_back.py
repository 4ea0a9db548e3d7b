"""The command that writes commission back to the CRM, and what it prints."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click

from orchestration.telling.write_back.wording import told
from orchestration.warehouse.lock import RunInProgress
from orchestration.warehouse.settings import RunSettings

EXIT_REFUSED = 1
EXIT_LOCKED = 3


def add_write_back(main: click.Group, with_settings: Callable[..., Any]) -> None:
    """Add the command to the command line."""
    assert write_back.callback is not None
    write_back.callback = with_settings(write_back.callback)
    main.add_command(write_back)


@click.command("write-back")
@click.option(
    "--system", type=click.Choice(["salesforce", "hubspot"]), help="One CRM; without it all targets."
)
@click.option("--dry-run", is_flag=True, help="Say what would be sent; send nothing.")
def write_back(settings: RunSettings, system: str | None, dry_run: bool) -> None:
    """Write commission per deal and payee back to the CRM: what is released, and only what has changed there.

    Targets and fields are in seeds/crm. Sending again changes nothing: records are found by their key.
    """
    from ingestion.api.config import ConfigError
    from ingestion.landing.settings import Settings as IngestionSettings
    from orchestration.telling.write_back.acknowledged import WriteBackError
    from orchestration.telling.write_back.send import write_back as sent_back

    try:
        results = sent_back(settings, IngestionSettings.from_env(), system_code=system, is_dry_run=dry_run)
    except RunInProgress as error:
        click.echo(f"Refused: {error}", err=True)
        sys.exit(EXIT_LOCKED)
    except (WriteBackError, ConfigError) as error:
        click.echo(f"Refused: {error}. Nothing was sent.", err=True)
        sys.exit(EXIT_REFUSED)
    click.echo("\n".join(told(results)))
    if not all(sent.is_whole for sent in results):
        sys.exit(EXIT_REFUSED)
