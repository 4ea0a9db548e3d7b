"""The command line: the run and its checks here, what people do to a period in `orchestration.books.commands`."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO
from uuid import uuid4

import click

from orchestration.alerts.commands import add_alert_commands
from orchestration.books.commands import add_commands
from orchestration.books.dispute_commands import add_dispute_commands
from orchestration.books.export_commands import add_export_commands
from orchestration.doctor.command import doctor
from orchestration.events.commands import add_event_commands
from orchestration.failures import failed_steps
from orchestration.lock import RunInProgress, RunLock
from orchestration.marts_file import MartsFileError
from orchestration.planning.commands import add_planning
from orchestration.reader_commands import add_reader_commands
from orchestration.safekeeping.command import backup, restore
from orchestration.settings import PROJECT_ROOT, RunSettings, SettingsError, dbt_as_of_date, is_full, shown
from orchestration.statements.command import add_statement_command
from orchestration.write_back.commands import add_write_back

if TYPE_CHECKING:
    import dagster as dg

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
                          who is told of events and alerts (default: ingestion/notifications.toml)
  COMMISSIONS_PUBLISHED_KEY  where the key of the published file is, env:NAME or file:PATH (default: not encrypted)

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 another run is in progress."""


@click.group(epilog=ENVIRONMENT, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Sales commissions: land the sources, calculate, publish the marts."""


def with_settings(command: Callable[..., Any], *, keeps_today: bool = False) -> Callable[..., Any]:
    """Give the command its settings; a setting that cannot be used ends it with a message.

    ``keeps_today``: for what goes on for days: `today` stays as it is, and every run resolves it.
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
        from ingestion.registry import FILE_SYSTEMS, SYSTEMS, configured_systems
        from ingestion.settings import Settings as IngestionSettings
        from ingestion.settings import SettingsError as IngestionSettingsError
        from orchestration.cadences import CadencesError, cadences_file, read_cadences

        try:
            configured_systems(IngestionSettings.from_env())
            read_cadences(cadences_file(), frozenset(SYSTEMS) | frozenset(FILE_SYSTEMS))
        except (CadencesError, ConfigError, IngestionSettingsError) as error:
            raise click.ClickException(f"{error}. Nothing was started.") from None
        return command(*args, **kwargs)

    return wrapped


@main.command()
@click.option("--wait", is_flag=True, help="Wait for a run that is in progress instead of giving up.")
@click.option("--full", is_flag=True, help="Land, build and check everything anew, whatever has changed.")
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
            succeeded = nothing_to_do(settings) or run_daily(settings)
    except RunInProgress as error:
        click.echo(f"Not started: {error}", err=True)
        sys.exit(EXIT_LOCKED)
    if not succeeded:
        sys.exit(EXIT_FAILED)
    from orchestration.summary import summarise

    click.echo(f"\n{summarise(settings)}")


@main.command()
@with_settings
@with_sources
def check(settings: RunSettings) -> None:
    """Check all seed files and extracts. Writes nothing to the warehouse."""
    from ingestion.settings import Settings as IngestionSettings
    from orchestration.preflight import PreflightError, check_inputs

    try:
        checked = check_inputs(PROJECT_ROOT, IngestionSettings.from_env())
    except PreflightError as error:
        click.echo(str(error), err=True)
        click.echo(f"\n{_count(len(error.problems), 'problem')}. Nothing was written.", err=True)
        sys.exit(EXIT_FAILED)
    click.echo(f"{checked.seeds} seed files and {checked.extracts} extracts are in order.")


@main.command("check-sources")
@with_settings
@with_sources
def check_sources(settings: RunSettings) -> None:
    """Ask every connected system: secrets, credentials, permissions, each needed field.

    Writes nothing. Each problem is printed with its mend.
    """
    from ingestion.api import checks
    from ingestion.registry import configured_systems
    from ingestion.settings import Settings as IngestionSettings

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
    from orchestration.situations.__main__ import main as run_situations

    arguments = [str(folder), *(["--only", only] if only else []), *(["--keep", str(keep)] if keep else [])]
    sys.exit(run_situations(arguments))


@main.command()
@click.option(
    "--all", "everything", is_flag=True, help="Every table and every payout, however many there are."
)
@with_settings
def summary(settings: RunSettings, everything: bool) -> None:
    """Print the summary of the last published run: about a screen; --all lists every payout."""
    from orchestration.summary import NothingPublished, summarise

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
    from orchestration.explain import NothingToExplain
    from orchestration.explain import explain as explained
    from orchestration.summary import NothingPublished

    try:
        click.echo(explained(settings, payee, period, plan_id))
    except (NothingPublished, NothingToExplain) as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_FAILED)


@main.command()
@with_settings
def prepare(settings: RunSettings) -> None:
    """Make the folders, complete dagster.yaml and parse the dbt project: what a service needs before it starts."""
    from orchestration.manifest import ManifestError, ensure_manifest

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
    from orchestration.manifest import ManifestError, ensure_manifest

    try:
        ensure_manifest()
    except ManifestError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"http://{host}:{port}  (history in {shown(settings.dagster_home)})")
    dagster = Path(sys.executable).parent / "dagster"
    command = [str(dagster), "dev", "-m", "orchestration.definitions", "-h", host, "-p", str(port)]
    # Becomes Dagster: whoever stops this process stops the daemon with it.
    sys.stdout.flush()
    os.chdir(PROJECT_ROOT)
    os.execv(command[0], command)


def nothing_to_do(settings: RunSettings) -> bool:
    """Whether the last good run has read just what is there now; says so then."""
    from ingestion.registry import configured_systems
    from ingestion.settings import Settings as IngestionSettings
    from orchestration.calculation.inputs import read_books, read_inputs, unchanged_since
    from orchestration.preflight import seeds_folder

    if is_full() or configured_systems(IngestionSettings.from_env()):
        # What a connected system has to say is known only by asking it.
        return False
    found = read_inputs(settings, seeds_folder(PROJECT_ROOT))
    since = unchanged_since(settings, f"{found.digest} {read_books(settings)}")
    if since is None:
        return False
    click.echo(
        f"Nothing has changed since the run of {since:%Y-%m-%d %H:%M} UTC: {_count(found.extracts, 'extract')}, "
        f"{_count(found.seeds, 'seed file')}, code, books and settings are the same, byte for byte. "
        "Nothing was calculated; `commissions run --full` does all the same."
    )
    return True


def run_daily(settings: RunSettings) -> bool:
    """Run the job `daily` in this process. Prints progress, and on failure the reason; returns success."""
    # Known before the run starts, so that the log, Dagster's history and the publication carry one name.
    started = time.monotonic()
    run_id = str(uuid4())
    log = settings.logs / f"{run_id}.log"
    with quiet(log) as terminal:
        terminal.write(f"Commissions as of {settings.as_of_date or dbt_as_of_date()}; log {shown(log)}\n")
        terminal.flush()
        try:
            from orchestration.manifest import ready_soon
            from orchestration.preflight import seeds_folder

            # dbt is imported and parses on the other core while Dagster is imported.
            ready_soon(seeds_folder(PROJECT_ROOT))
            from dagster import DagsterInstance

            with DagsterInstance.get() as instance:
                return _execute(settings, instance, run_id, terminal, log, started)
        except KeyboardInterrupt:
            terminal.write(f"\nInterrupted. {published_state(settings)}\n")
            return False


def _execute(
    settings: RunSettings,
    instance: dg.DagsterInstance,
    run_id: str,
    terminal: TextIO,
    log: Path,
    started: float,
) -> bool:
    from orchestration.alerts import send_alerts
    from orchestration.alerts.runs import alerts_of_run
    from orchestration.calculation.dbt_process import current
    from orchestration.manifest import ManifestError
    from orchestration.progress import Progress

    try:
        from orchestration.definitions import defs
    except ManifestError as error:
        terminal.write(f"\nFAILED before anything was written: {error}\n{published_state(settings)}\n")
        return False
    groups = {spec.key: spec.group_name or "" for spec in defs.resolve_all_asset_specs()}
    progress = Progress(terminal, groups, started=started)
    instance.add_event_listener(run_id, progress.handle)
    current().listeners.append(progress.built)
    result = defs.resolve_job_def("daily").execute_in_process(
        instance=instance, run_id=run_id, raise_on_error=False
    )
    for sent in send_alerts(*alerts_of_run(instance, result.dagster_run), settings=settings):
        terminal.write(f"Alert to {sent}\n")
    if result.success:
        progress.say("done", f"{_count(progress.checks_asked, 'check')} passed")
        return True
    terminal.write(f"\n{failure_text(result)}\n{published_state(settings)}\nFull log: {shown(log)}\n")
    return False


def failure_text(result: dg.ExecuteInProcessResult) -> str:
    """Which steps failed, and why, in the words of the error that stopped them."""
    texts = [
        f"FAILED{f' {step}' if step else ''}: {message}" for step, message in failed_steps(result.all_events)
    ]
    return "\n".join(texts) or "FAILED; the log says where"


def published_state(settings: RunSettings) -> str:
    """That readers still see the last published marts, and from when those are."""
    if not settings.published.exists():
        return "Published marts: none yet."
    at = datetime.fromtimestamp(settings.published.stat().st_mtime, tz=UTC)
    return f"The published marts are unchanged: {shown(settings.published)} of {at:%Y-%m-%d %H:%M} UTC."


@contextlib.contextmanager
def quiet(log: Path) -> Iterator[TextIO]:
    """Send all output of this process and its children to ``log``; yields the terminal."""
    sys.stdout.flush()
    sys.stderr.flush()
    out, err = os.dup(1), os.dup(2)
    with log.open("ab") as file, os.fdopen(os.dup(out), "w", encoding="utf-8") as terminal:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        try:
            yield terminal
        finally:
            terminal.flush()
            sys.stdout.flush()
            sys.stderr.flush()
            os.dup2(out, 1)
            os.dup2(err, 2)
            os.close(out)
            os.close(err)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


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
