"""What people type to look ahead: `project` and `simulate`."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from orchestration.warehouse.lock import RunInProgress
from orchestration.warehouse.settings import PROJECT_ROOT, RunSettings, shown

EXIT_REFUSED = 1
EXIT_LOCKED = 3


def add_planning(main: click.Group, with_settings: Callable[..., Any]) -> None:
    """Add the commands to the command line."""
    for command in (preview, project, simulate):
        assert command.callback is not None
        command.callback = with_settings(command.callback)
        main.add_command(command)


def _told(what: Callable[[], list[str]]) -> None:
    import duckdb

    from orchestration.calculation.dbt_process import DbtError
    from orchestration.planning.scratch import PlanningError
    from orchestration.plans.checks import PreflightError

    try:
        lines = what()
    except RunInProgress as error:
        click.echo(f"Refused: {error}", err=True)
        sys.exit(EXIT_LOCKED)
    except PreflightError as error:
        click.echo(f"Refused: the changed seeds have {len(error.problems)} mistakes.\n{error}", err=True)
        sys.exit(EXIT_REFUSED)
    except (DbtError, PlanningError) as error:
        click.echo(f"Refused: {error}.", err=True)
        sys.exit(EXIT_REFUSED)
    except (duckdb.Error, OSError) as error:
        click.echo(f"Failed: {str(error).splitlines()[0]}. Fix it and type the command again.", err=True)
        sys.exit(EXIT_REFUSED)
    click.echo("\n".join(lines))


@click.command()
@click.option("--watch", is_flag=True, help="Stay, and look again after every edit, until Ctrl-C.")
def preview(settings: RunSettings, watch: bool) -> None:
    """Show which payouts an edit of a seed or a model changes, by payee and plan, before and after.

    Calculated by the real models in a copy of the warehouse, only what the edit touches. Nothing is published.
    """
    from ingestion.landing.settings import Settings as IngestionSettings
    from orchestration.calculation.dbt_process import current
    from orchestration.planning import preview as previews
    from orchestration.plans.checks import seeds_folder

    current().start()
    seeds, extracts = seeds_folder(PROJECT_ROOT), IngestionSettings.from_env().extracts

    def done() -> list[str]:
        return previews.told(previews.preview(settings, seeds, extracts=extracts))

    if not watch:
        _told(done)
        return

    def again() -> None:
        click.echo(f"\n{datetime.now():%H:%M:%S}")
        with contextlib.suppress(SystemExit):
            _told(done)

    click.echo(f"Watching {shown(seeds)} and the dbt project. Ctrl-C ends it.")
    with contextlib.suppress(KeyboardInterrupt):
        previews.watch(seeds, again)


@click.command()
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Deals that should have closed by then count as closing then (default: the day of the last run).",
)
def project(settings: RunSettings, as_of: datetime | None) -> None:
    """Project the commission of open deals: if each alone closes, weighted by probability, and if all close.

    Takes some minutes; calculated by the real models in a warehouse of its own. The real results are only read.
    """
    from orchestration.planning import projection
    from orchestration.plans.checks import seeds_folder

    day: date | None = as_of.date() if as_of else None

    def done() -> list[str]:
        projected = projection.project(settings, seeds_folder(PROJECT_ROOT), as_of=day)
        return [*projection.told(projected), "", f"Tables and CSV: {shown(projected.path)}"]

    _told(done)


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--from", "period_from", help="First month that is compared (2013-01).")
@click.option("--to", "period_to", help="Last month that is compared (2013-06).")
def simulate(settings: RunSettings, folder: Path, period_from: str | None, period_to: str | None) -> None:
    """Calculate past months with the changed seeds of FOLDER, side by side with what holds.

    FOLDER holds the seed files that differ, by their names (plans/tiers.csv or tiers.csv), each whole. The real results are only read.
    """
    from ingestion.landing.settings import Settings as IngestionSettings
    from orchestration.planning import simulation
    from orchestration.plans.checks import seeds_folder

    def done() -> list[str]:
        simulated = simulation.simulate(
            settings,
            seeds_folder(PROJECT_ROOT),
            folder,
            extracts=IngestionSettings.from_env().extracts,
            period_from=period_from,
            period_to=period_to,
        )
        return [*simulation.told(simulated), "", f"Tables and CSV: {shown(simulated.path)}"]

    _told(done)
