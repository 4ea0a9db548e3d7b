"""`commissions backup` and `commissions restore`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from orchestration.warehouse.lock import RunInProgress, RunLock
from orchestration.warehouse.settings import PROJECT_ROOT, RunSettings

EXIT_REFUSED = 1
EXIT_LOCKED = 3
SHOWN = 5


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--keep", default=30, show_default=True, type=click.IntRange(min=1), help="How many backups are kept."
)
@click.option("--wait", is_flag=True, help="Wait for a run that is in progress instead of giving up.")
def backup(folder: Path, keep: int, wait: bool) -> None:
    """Copy books, landings, exports, published marts and Dagster's history into a new folder of FOLDER.

    The backup is whole or not there. Broken books are not backed up, and a home that has lost books does not replace the
    backups that still hold them. FOLDER should be on another disk; it holds what people earn, and refreshed tokens.
    """
    from orchestration.operating.safekeeping.backup import make_backup
    from orchestration.operating.safekeeping.contents import BackupError

    settings = RunSettings.from_env({**os.environ, "COMMISSIONS_AS_OF_DATE": ""})
    seeds, sources = _project()
    if not settings.home.is_dir():
        _refuse(f"{settings.home} does not exist; correct COMMISSIONS_HOME")
    folder = folder.resolve()
    if folder == settings.home or settings.home in folder.parents:
        _refuse(
            f"{folder} is inside {settings.home}: it would be lost with it; name a folder on another disk"
        )
    try:
        with RunLock(
            settings.lock, wait=wait, on_wait=lambda holder: click.echo(f"Waiting for {holder} to end")
        ):
            made = make_backup(settings, folder, keep=keep, seeds=seeds, sources=sources)
    except RunInProgress as error:
        click.echo(f"Not started: {error}", err=True)
        sys.exit(EXIT_LOCKED)
    except BackupError as error:
        _refuse(str(error))
    size = sum((made.folder / name).stat().st_size for name in made.files)
    click.echo(f"{made.folder}: {len(made.files):,} files, {size / 1e6:,.1f} MB, {made.backup_hash[:12]}")
    click.echo(f"  {made.holdings}; published as of {made.facts.get('as_of_date', 'never')}")
    if not any(name.endswith("runs.db") for name in made.files) and _has_storage_elsewhere(settings):
        click.echo("  Without Dagster's history, which is in a database of its own: pg_dump it")


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Prove the backup and say what would be done; write nothing.")
@click.option(
    "--force", is_flag=True, help="Continue where the home holds books that the backup does not have."
)
def restore(folder: Path, dry_run: bool, force: bool) -> None:
    """Restore a backup. FOLDER is one, or the folder of all: then the newest is taken.

    Every hash and chain is proved before anything is touched. What was in the home is moved to its folder `replaced`. Stop the
    daemon and the webserver first; afterwards `commissions run` makes the warehouse.
    """
    from orchestration.defs.history import last_beat
    from orchestration.operating.safekeeping.contents import BackupError
    from orchestration.operating.safekeeping.restore import find_backup, plan_restore
    from orchestration.operating.safekeeping.restore import restore as put_back

    settings = RunSettings.from_env({**os.environ, "COMMISSIONS_AS_OF_DATE": ""})
    seeds, _ = _project()
    try:
        found = find_backup(folder.resolve())
        plan = plan_restore(settings, found, seeds)
        click.echo(
            f"{found.folder}: made {found.made_at} of {found.home} by version {found.facts.get('version')}"
        )
        click.echo(f"  proved: {len(found.files):,} files, {found.holdings}")
        for name in plan.damaged:
            click.echo(f"  damaged here, comes back: books/{name}")
        for name in plan.lost:
            click.echo(f"  would be lost: {name}" if dry_run or not force else f"  lost: {name}")
        if dry_run:
            click.echo(_ahead(bool(plan.lost)))
            return
        settings.home.mkdir(parents=True, exist_ok=True)
        with RunLock(settings.lock):
            kept = put_back(settings, plan, is_forced=force, last_beat=last_beat)
    except RunInProgress as error:
        click.echo(f"Not started: {error}", err=True)
        sys.exit(EXIT_LOCKED)
    except BackupError as error:
        _refuse(str(error))
    click.echo(f"Restored to {settings.home}." + (f" What was there: {kept}" if kept else ""))
    if plan.other_seeds:
        more = f" and {len(plan.other_seeds) - SHOWN} more" if len(plan.other_seeds) > SHOWN else ""
        click.echo(
            f"The plans here are not those of the backup ({', '.join(plan.other_seeds[:SHOWN])}{more}); "
            f"they were not touched. Those of the backup: {found.folder / 'seeds'}"
        )
    click.echo("Next: commissions run, then commissions verify --rebuild")


def _has_storage_elsewhere(settings: RunSettings) -> bool:
    import yaml

    path = settings.dagster_home / "dagster.yaml"
    return path.exists() and "storage" in (yaml.safe_load(path.read_text(encoding="utf-8")) or {})


def _ahead(is_losing: bool) -> str:
    if is_losing:
        return (
            "Nothing was written. Without --force this is refused: the books here hold more than the backup."
        )
    return "Nothing was written. It can be restored."


def _project() -> tuple[Path, Path | None]:
    """The folder of the seeds, and sources.toml where there is one."""
    from ingestion.landing.settings import Settings as IngestionSettings
    from orchestration.plans.checks import seeds_folder

    return seeds_folder(PROJECT_ROOT), IngestionSettings.from_env(
        {**os.environ, "COMMISSIONS_CHUNK_ROWS": ""}
    ).sources


def _refuse(message: str) -> None:
    click.echo(f"Refused: {message}.", err=True)
    sys.exit(EXIT_REFUSED)
