"""The command line: the run and its checks here, what people do to a period in `orchestration.cli.closing`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import Any

import click

from orchestration.cli.alerts import add_alert_commands
from orchestration.cli.backup import backup, restore
from orchestration.cli.closing import add_commands
from orchestration.cli.disputes import add_dispute_commands
from orchestration.cli.doctor import doctor
from orchestration.cli.events import add_event_commands
from orchestration.cli.exports import add_export_commands
from orchestration.cli.planning import add_planning
from orchestration.cli.reading import add_reader_commands
from orchestration.cli.statements import add_statement_command
from orchestration.cli.write_back import add_write_back
from orchestration.warehouse.lock import RunInProgress, RunLock
from orchestration.warehouse.marts_file import MartsFileError
from orchestration.warehouse.settings import (
    PROJECT_ROOT,
    RunSettings,
    SettingsError,
    is_full,
    shown,
)
from orchestration.wording import counted

EXIT_FAILED = 1
EXIT_LOCKED = 3

ENVIRONMENT = """\b
Environment:
  COMMISSIONS_HOME        folder of everything that is written (default: var/ in the project)
  COMMISSIONS_EXTRACTS    folder of the extracts (default: the bundled sample company)
  COMMISSIONS_SOURCES     the systems that are read by a connector (default: ingestion/sources.toml)
  COMMISSIONS_CADENCES    when things run by themselves (default: orchestration/cadences.toml)
  COMMISSIONS_AS_OF_DATE  last day that counts, YYYY-MM-DD or `today` (default: that of the sample)
  COMMISSIONS_NOTIFICATIONS
                          who is notified of events and alerts (default: orchestration/notifications.toml)
  COMMISSIONS_PUBLISHED_KEY  where the key of the published file is, env:NAME or file:PATH (default: not encrypted)

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 another run is in progress."""


@click.group(epilog=ENVIRONMENT, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Sales commissions: land the sources, calculate, publish the marts."""


def with_settings(command: Callable[..., Any], *, keeps_today: bool = False) -> Callable[..., Any]:
    """Give the command its settings; a setting that cannot be used ends it with a message.

    ``keeps_today``: for what runs for days: `today` stays as it is, and every run resolves it.
    """

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            settings = RunSettings.from_env()
            settings.prepare()
        except SettingsError as error:
            raise click.UsageError(str(error)) from None
        if settings.as_of_date and not keeps_today:
            # `today` is resolved once: the steps and dbt read the day.
            os.environ["COMMISSIONS_AS_OF_DATE"] = settings.as_of_date
        try:
            return command(settings, *args, **kwargs)
        except MartsFileError as error:
            raise click.ClickException(str(error)) from None

    return wrapped


def with_sources(command: Callable[..., Any], *, says: str = "") -> Callable[..., Any]:
    """End the command with a message when sources.toml cannot be used; nothing was started or written then.

    ``says``: a line that is printed first, for the check imports the clients of all systems.
    """

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if says:
            click.echo(says)
        from ingestion.api.config import ConfigError
        from ingestion.landing.settings import Settings as IngestionSettings
        from ingestion.landing.settings import SettingsError as IngestionSettingsError
        from ingestion.registry import FILE_SYSTEMS, SYSTEMS, configured_systems
        from orchestration.operating.cadences import CadencesError, cadences_file, read_cadences

        try:
            configured_systems(IngestionSettings.from_env())
            read_cadences(cadences_file(), frozenset(SYSTEMS) | frozenset(FILE_SYSTEMS))
        except (CadencesError, ConfigError, IngestionSettingsError) as error:
            raise click.ClickException(f"{error}. Nothing was started.") from None
        return command(*args, **kwargs)

    return wrapped


@main.command()
@click.option("--wait", is_flag=True, help="Wait for a run that is in progress instead of giving up.")
@click.option(
    "--full", is_flag=True, help="Land, build and check everything from scratch, whatever has changed."
)
@with_settings
@partial(with_sources, says="Reading the configuration of sources and cadences")
def run(settings: RunSettings, wait: bool, full: bool) -> None:
    """Check, land, calculate and publish what has changed; then print the summary.

    The run goes through Dagster and is seen in its UI. The published marts are replaced only when every step
    and every test has passed; until then readers keep the last ones. Where nothing has changed since the last good
    run (extracts, seeds, code, books and settings, compared by content), it says so and does nothing.
    """
    if full:
        os.environ["COMMISSIONS_FULL"] = "1"
    settings.check_key()
    lock = RunLock(
        settings.lock, wait=wait, on_wait=lambda holder: click.echo(f"Waiting for {holder} to end")
    )
    try:
        with lock:
            if not (succeeded := nothing_to_do(settings)):
                from orchestration.defs.daily_run import run_daily

                succeeded = run_daily(settings)
    except RunInProgress as error:
        click.echo(f"Not started: {error}", err=True)
        sys.exit(EXIT_LOCKED)
    if not succeeded:
        sys.exit(EXIT_FAILED)
    from orchestration.reading.summary import summarise

    click.echo(f"\n{summarise(settings)}")


@main.command()
@with_settings
@with_sources
def check(settings: RunSettings) -> None:
    """Check all seed files and extracts. Writes nothing to the warehouse."""
    from ingestion.landing.settings import Settings as IngestionSettings
    from orchestration.plans.checks import PreflightError, check_inputs

    try:
        checked = check_inputs(PROJECT_ROOT, IngestionSettings.from_env())
    except PreflightError as error:
        click.echo(str(error), err=True)
        click.echo(f"\n{counted(len(error.problems), 'problem')}. Nothing was written.", err=True)
        sys.exit(EXIT_FAILED)
    click.echo(f"{checked.seeds} seed files and {checked.extracts} extracts are in order.")


@main.command("check-sources")
@with_settings
@with_sources
def check_sources(settings: RunSettings) -> None:
    """Ask every connected system: secrets, credentials, permissions, each needed field.

    Writes nothing. Each problem is printed with its fix.
    """
    from ingestion import checks
    from ingestion.landing.settings import Settings as IngestionSettings
    from ingestion.registry import configured_systems

    sources = IngestionSettings.from_env()
    findings = checks.check_sources(configured_systems(sources), sources)
    click.echo(checks.render_findings(findings))
    if not all(finding.is_ok for finding in findings):
        sys.exit(EXIT_FAILED)


@main.command()
@click.argument("folder", type=click.Path(exists=True, path_type=Path))
@click.option("--only", help="Only the situations whose title contains this text.")
@click.option("--keep", type=click.Path(path_type=Path), help="Folder in which the warehouse is kept.")
@with_sources
def situations(folder: Path, only: str | None, keep: Path | None) -> None:
    """Calculate the situations of FOLDER, or of one YAML file, and compare them with what they expect.

    Exit codes: 0 all met, 1 a figure differs, 2 a situation cannot be used.
    """
    from orchestration.plans.situations.__main__ import main as run_situations

    arguments = [str(folder), *(["--only", only] if only else []), *(["--keep", str(keep)] if keep else [])]
    sys.exit(run_situations(arguments))


@main.command()
@click.option(
    "--all", "everything", is_flag=True, help="Every table and every payout, however many there are."
)
@with_settings
def summary(settings: RunSettings, everything: bool) -> None:
    """Print the summary of the last published run: about a screen; --all lists every payout."""
    from orchestration.reading.summary import NothingPublished, summarise

    try:
        click.echo(summarise(settings, everything=everything))
    except NothingPublished as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_FAILED)


@main.command()
@click.argument("payee")
@click.argument("period")
@click.option("--plan", "plan_id", help="One plan; without it all that pay.")
@with_settings
def explain(settings: RunSettings, payee: str, period: str, plan_id: str | None) -> None:
    """Unfold what PAYEE (275) is paid in PERIOD (2013-05): deal, credit, tiers, variables, plan, source of each line.

    The same rows are the mart rpt_line_explanations.
    """
    from orchestration.reading.explain import NothingToExplain
    from orchestration.reading.explain import explain as explained
    from orchestration.reading.summary import NothingPublished

    try:
        click.echo(explained(settings, payee, period, plan_id))
    except (NothingPublished, NothingToExplain) as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_FAILED)


@main.command()
@with_settings
def prepare(settings: RunSettings) -> None:
    """Make the folders, complete dagster.yaml and parse the dbt project: what a service needs before it starts."""
    from orchestration.calculation.manifest import ManifestError, ensure_manifest

    try:
        ensure_manifest()
    except ManifestError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{settings.home} is ready; DAGSTER_HOME is {settings.dagster_home}")


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=3000, show_default=True, help="Port to listen on.")
@partial(with_settings, keeps_today=True)
@with_sources
def ui(settings: RunSettings, host: str, port: int) -> None:
    """Start Dagster: the asset graph, the runs, the schedules and sensors. Stop it with Ctrl-C."""
    from orchestration.calculation.manifest import ManifestError, ensure_manifest

    try:
        ensure_manifest()
    except ManifestError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"http://{host}:{port}  (history in {shown(settings.dagster_home)})")
    dagster = Path(sys.executable).parent / "dagster"
    command = [str(dagster), "dev", "-m", "orchestration.definitions", "-h", host, "-p", str(port)]
    # Becomes Dagster: stopping this process stops the daemon with it.
    sys.stdout.flush()
    os.chdir(PROJECT_ROOT)
    os.execv(command[0], command)


def nothing_to_do(settings: RunSettings) -> bool:
    """Whether the last good run has read just what is there now; says so then."""
    from ingestion.landing.settings import Settings as IngestionSettings
    from ingestion.registry import configured_systems
    from orchestration.operating.inputs import read_books, read_inputs, unchanged_since
    from orchestration.plans.checks import seeds_folder

    if is_full() or configured_systems(IngestionSettings.from_env()):
        # What a connected system has to say is known only by asking it.
        return False
    found = read_inputs(settings, seeds_folder(PROJECT_ROOT))
    since = unchanged_since(settings, f"{found.digest} {read_books(settings)}")
    if since is None:
        return False
    click.echo(
        f"Nothing has changed since the run of {since:%Y-%m-%d %H:%M} UTC: {counted(found.extracts, 'extract')}, "
        f"{counted(found.seeds, 'seed file')}, code, books and settings are the same, byte for byte. "
        "Nothing was calculated; `commissions run --full` does all the same."
    )
    return True


for command in (backup, doctor, restore):
    main.add_command(command)
add_commands(main, with_settings)
add_export_commands(main, with_settings)
add_event_commands(main, with_settings)
add_alert_commands(main, with_settings)
add_reader_commands(main, with_settings)
add_dispute_commands(main, with_settings)
add_statement_command(main, with_settings)
add_write_back(main, with_settings)
add_planning(main, with_settings)
