"""The command that writes commission back to the CRM, and what it prints."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from orchestration.lock import RunInProgress
from orchestration.settings import RunSettings

if TYPE_CHECKING:
    from orchestration.write_back.send import Sent

EXIT_REFUSED = 1
EXIT_LOCKED = 3
SHOWN_MAX = 20


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
    from ingestion.settings import Settings as IngestionSettings
    from orchestration.write_back.acknowledged import WriteBackError
    from orchestration.write_back.send import write_back as sent_back

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


def told(results: Sequence[Sent]) -> list[str]:
    """What was done for each target, line by line."""
    lines = []
    for sent in results:
        target, comparison = sent.comparison.target, sent.comparison
        place = f"{target.target_id} ({target.crm_object} of {target.source_name})"
        counts = [
            f"{comparison.count(code)} {words}"
            for code, words in (("new", "new"), ("changed", "changed"), ("taken_back", "taken back"))
        ]
        counts.append(f"{comparison.unchanged} unchanged")
        counts.append(f"{len(comparison.kept_back)} kept back")
        would = "would be sent: " if sent.is_dry_run else ""
        if not sent.is_connected:
            place += f", not connected: ingestion/sources.toml has no [{target.source_name}] with {target.system_code}"
            would = "would be sent: " if sent.is_dry_run else "nothing sent of "
        lines.append(f"{place}: {would}{', '.join(counts)}")
        if sent.is_dry_run:
            lines += _shown(
                [
                    (f"{due.change_code.replace('_', ' ')} {due.key}", _fields(due.fields))
                    for due in comparison.due
                ]
            )
        elif comparison.due and sent.is_connected:
            lines.append(f"  {sum(sent.written.values())} taken, {len(sent.refused)} refused by the CRM")
        lines += _shown([(f"kept back {key}", reason) for key, reason in comparison.kept_back])
        lines += _shown([(f"refused {key}", reason) for key, reason in sent.refused])
        if sent.failure:
            lines.append(f"  FAILED {sent.failure}.")
    return lines


def _fields(fields: Any) -> str:
    from ingestion.api.writing import plain

    return ", ".join(f"{name} {'empty' if value is None else plain(value)}" for name, value in fields.items())


def _shown(rows: Sequence[tuple[str, str]]) -> list[str]:
    lines = [f"  {name}: {text}" for name, text in rows[:SHOWN_MAX]]
    if len(rows) > SHOWN_MAX:
        lines.append(f"  and {len(rows) - SHOWN_MAX:,} more")
    return lines
