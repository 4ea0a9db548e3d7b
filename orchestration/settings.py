"""Where the run's files are, and the one date it calculates to. Everything comes from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import yaml

from orchestration.marts_file import open_marts, prepare_to_encrypt, read_key

PROJECT_ROOT = Path(__file__).resolve().parents[1]
DBT_PROJECT_DIR = PROJECT_ROOT / "dbt_project"
DBT_TARGET_DIR = DBT_PROJECT_DIR / "target"

# One run at a time and one writing step at a time: DuckDB has one writer.
DAGSTER_YAML = """\
telemetry:
  enabled: false
nux:
  enabled: false
concurrency:
  runs:
    max_concurrent_runs: 1
  pools:
    default_limit: 1
    granularity: op
"""

TELEMETRY_OFF = {
    "DO_NOT_TRACK": "1",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "DAGSTER_DISABLE_TELEMETRY": "yes",
}


class SettingsError(Exception):
    """An environment variable has a value that cannot be used."""


@dataclass(frozen=True)
class RunSettings:
    """Places of one installation.

    Attributes:
        home: folder of everything that a run writes (COMMISSIONS_HOME, default var/ in the project).
        as_of_date: last day that counts, from COMMISSIONS_AS_OF_DATE; None leaves it to dbt_project.yml.
    """

    home: Path
    as_of_date: str | None = None

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> RunSettings:
        """Read the settings. Raises SettingsError when COMMISSIONS_AS_OF_DATE is neither a day nor `today`."""
        home = Path(env.get("COMMISSIONS_HOME") or PROJECT_ROOT / "var").resolve()
        return cls(home=home, as_of_date=resolve_as_of_date(env.get("COMMISSIONS_AS_OF_DATE")))

    @property
    def warehouse(self) -> Path:
        """The DuckDB file that the run writes. Nobody else opens it."""
        return self.home / "warehouse.duckdb"

    @property
    def published(self) -> Path:
        """The read-only copy of the marts, replaced whole after each green run."""
        return self.home / "published" / "marts.duckdb"

    def open_published(self) -> duckdb.DuckDBPyConnection:
        """A connection on the published copy, read-only. Raises MartsFileError when it needs a key that is not named."""
        return open_marts(self.published, self.published_key())

    def check_key(self) -> None:
        """Raise MartsFileError, before a run starts, for a key with which its marts could not be published."""
        key = self.published_key()
        if key:
            with duckdb.connect(":memory:") as connection:
                prepare_to_encrypt(connection)
        if self.published.exists():
            self.open_published().close()

    def published_key(self) -> str | None:
        """The key of the published copy, where COMMISSIONS_PUBLISHED_KEY names one; read anew each time, never kept."""
        return read_key()

    @property
    def audiences(self) -> Path:
        """The files of marts that single viewers may see."""
        return self.home / "audiences"

    @property
    def dagster_home(self) -> Path:
        """Dagster's history of runs."""
        return self.home / "dagster"

    @property
    def logs(self) -> Path:
        """Folder with one log file a run."""
        return self.home / "logs"

    @property
    def books(self) -> Path:
        """The log of actions and the books of closed periods. Never deleted: back this folder up."""
        return self.home / "books"

    @property
    def exports(self) -> Path:
        """Where exported files are fetched; their records are in `books`, and make them again."""
        return self.home / "exports"

    @property
    def landings(self) -> Path:
        """The landed tables of the last good run, kept outside the warehouse file."""
        return self.home / "landings"

    @property
    def unfinished(self) -> Path:
        """Exists while a run has written to the warehouse and has not published it."""
        return self.home / "unfinished"

    def begin_writing(self) -> None:
        """Note that the warehouse is no longer what readers see, until `end_writing`."""
        self.home.mkdir(parents=True, exist_ok=True)
        self.unfinished.touch()

    def end_writing(self) -> None:
        """Note that the warehouse is what readers see."""
        self.unfinished.unlink(missing_ok=True)

    @property
    def lock(self) -> Path:
        """The file that a run holds locked while it writes."""
        return self.home / "run.lock"

    def prepare(self, env: dict[str, str] | None = None) -> None:
        """Create the folders and dagster.yaml, and set what the child processes need in ``env``.

        ``env`` defaults to the process environment; COMMISSIONS_WAREHOUSE and COMMISSIONS_HOME become absolute,
        because dbt runs in its own folder.
        """
        target = os.environ if env is None else env
        for folder in (self.home, self.dagster_home, self.logs, self.published.parent):
            folder.mkdir(parents=True, exist_ok=True)
        dagster_yaml = self.dagster_home / "dagster.yaml"
        if not dagster_yaml.exists():
            dagster_yaml.write_text(DAGSTER_YAML, encoding="utf-8")
        target.update(TELEMETRY_OFF)
        target["COMMISSIONS_HOME"] = str(self.home)
        target["COMMISSIONS_WAREHOUSE"] = str(self.warehouse)
        target["DAGSTER_HOME"] = str(self.dagster_home)


def resolve_as_of_date(value: str | None) -> str | None:
    """Return an ISO day, or None when unset. `today` is resolved here, the only place that reads the clock."""
    if not value:
        return None
    if value == "today":
        return date.today().isoformat()
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise SettingsError(
            f"COMMISSIONS_AS_OF_DATE is '{value}'. Write a day as YYYY-MM-DD, or `today`."
        ) from None


def shown(path: Path) -> str:
    """The path as a reader types it: relative to the current folder where that is shorter."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def dbt_as_of_date() -> str:
    """The date that dbt_project.yml calculates to when COMMISSIONS_AS_OF_DATE is unset."""
    project = yaml.safe_load((DBT_PROJECT_DIR / "dbt_project.yml").read_text(encoding="utf-8"))
    return str(project["vars"]["as_of_date"])
