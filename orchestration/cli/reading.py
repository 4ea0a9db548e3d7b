"""What people read, as commands: files of marts for single viewers, questions with answers, the documentation."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from orchestration.warehouse.settings import RunSettings, shown


def add_reader_commands(main: click.Group, with_settings: Callable[..., Any]) -> None:
    """Add the commands to the command line."""
    for command in (audiences, questions, docs):
        assert command.callback is not None
        command.callback = with_settings(command.callback)
        main.add_command(command)


def needs_publication(settings: RunSettings) -> None:
    """End the command when nothing was published yet."""
    if not settings.published.exists():
        click.echo(f"{shown(settings.published)} does not exist yet. Start with: commissions run", err=True)
        sys.exit(1)


@click.command()
@click.option("--viewer", help="One viewer, by id or e-mail; without it all people who have figures to see.")
@click.option(
    "--to", "folder", type=click.Path(path_type=Path, file_okay=False), help="Folder for the files."
)
@click.option(
    "--show-key", is_flag=True, help="Print the key of the viewer's encrypted file, and write nothing."
)
def audiences(settings: RunSettings, viewer: str | None, folder: Path | None, show_key: bool) -> None:
    """Write a DuckDB file for each viewer, with only the rows that the viewer may see.

    Payees see themselves, managers their reports for the period they reported to them, both once figures are released; other roles are rows
    of seeds/operations/roles.csv. With COMMISSIONS_PUBLISHED_KEY each file is encrypted with a key of its own, which opens no other one.
    """
    from orchestration.calculation.manifest import ensure_manifest, read_manifest
    from orchestration.reading.audiences import key_of, render, share
    from orchestration.reading.visibility import AudienceError, declarations

    needs_publication(settings)
    if show_key and not viewer:
        raise click.UsageError("--show-key needs --viewer.")
    ensure_manifest()
    try:
        if show_key and viewer:
            click.echo(key_of(settings, viewer))
            return
        shared = share(settings, declarations(read_manifest()), viewer=viewer, folder=folder)
    except AudienceError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    click.echo(render(shared, folder or settings.audiences))


@click.command()
@click.argument("name", required=False)
@click.option("--sql", "with_sql", is_flag=True, help="Print the SQL as well.")
@click.option("--markdown", is_flag=True, help="Print docs/questions.md.")
def questions(settings: RunSettings, name: str | None, with_sql: bool, markdown: bool) -> None:
    """Answer the named questions, or the one called NAME, from the published marts.

    They are the files of dbt_project/analyses/questions; add yours there.
    """
    from orchestration.reading.questions import UnknownQuestion, as_markdown, as_text, chosen

    needs_publication(settings)
    try:
        asked = chosen(name)
    except UnknownQuestion as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    with settings.open_published() as connection:
        if markdown:
            click.echo(as_markdown(connection, asked), nl=False)
        else:
            click.echo(as_text(connection, asked, with_sql=with_sql))


@click.command()
@click.option("--to", "folder", type=click.Path(path_type=Path, file_okay=False), help="Folder for the site.")
def docs(settings: RunSettings, folder: Path | None) -> None:
    """Make the documentation of all models, tests, metrics and exposures: one HTML file that works offline."""
    from orchestration.reading.docs_site import DocsError, write_docs
    from orchestration.warehouse.lock import RunInProgress

    try:
        page = write_docs(settings, folder or settings.home / "docs")
    except (DocsError, RunInProgress) as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    click.echo(f"{shown(page)}: open it in a browser")
