"""Where the run's files are, and the one date it calculates to. Everything comes from the environment."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from orchestration.warehouse.machine_limits import MEMORY_VARIABLE, LimitsError, memory_limit, spill_folder
from orchestration.warehouse.marts_file import open_marts, prepare_to_encrypt, read_key

if TYPE_CHECKING:
    import duckdb

PROJECT_ROOT = Path(__file__).resolve().parents[2]
DBT_PROJECT_DIR = PROJECT_ROOT / "dbt_project"
DBT_TARGET_DIR = DBT_PROJECT_DIR / "target"

# Sections of dagster.yaml, each written into a home that has none of that name; what is there is never changed.
# One run at a time and one writing step at a time: DuckDB has one writer. A run whose process is gone is noticed and
# marked as failed; a job that may be restarted says so itself with the tag dagster/max_retries. Of the storage of events
# see `missing_sections`.
# Where a home of an earlier version has the modules that its dagster.yaml names.
MOVED_MODULES = {
    "orchestration.deployment.launcher": "orchestration.defs.launcher",
    "orchestration.deployment.event_log": "orchestration.defs.event_log",
}
DAGSTER_SECTIONS = {
    "telemetry": """\
telemetry:
  enabled: false
""",
    "nux": """\
nux:
  enabled: false
""",
    "concurrency": """\
concurrency:
  runs:
    max_concurrent_runs: 1
""",
    "event_log_storage": """\
event_log_storage:
  module: orchestration.defs.event_log
  class: PooledSqliteEventLogStorage
""",
    "run_launcher": """\
run_launcher:
  module: orchestration.defs.launcher
  class: WatchedRunLauncher
""",
    "run_monitoring": """\
run_monitoring:
  enabled: true
  poll_interval_seconds: 30
  start_timeout_seconds: 600
  free_slots_after_run_end_seconds: 30
""",
    "run_retries": """\
run_retries:
  enabled: true
  max_retries: 0
  retry_on_asset_or_op_failure: false
""",
}
DAGSTER_YAML = "".join(DAGSTER_SECTIONS.values())

# Events that Dagster stores at once, of those that it knows all together: what a run plans.
EVENT_BATCH_SIZE = 500

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
            import duckdb

            with duckdb.connect(":memory:") as connection:
                prepare_to_encrypt(connection)
        if self.published.exists():
            self.open_published().close()

    def published_key(self) -> str | None:
        """The key of the published copy, where COMMISSIONS_PUBLISHED_KEY names one; read again each time, never kept."""
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
    def outbox(self) -> Path:
        """The events, and how far each receiver has come; rebuilt from the books when it is lost."""
        return self.home / "events" / "outbox.sqlite"

    @property
    def events_lock(self) -> Path:
        """The file that is held locked while publications are recorded and events are derived."""
        return self.home / "events.lock"

    @property
    def alerts(self) -> Path:
        """Which alerts were sent when."""
        return self.home / "events" / "alerts.sqlite"

    @property
    def unfinished(self) -> Path:
        """Exists while the warehouse is not what readers see; holds why, and nothing where a run is or was at it."""
        return self.home / "unfinished"

    def begin_writing(self, reason: str = "") -> None:
        """Note that the warehouse is no longer what readers see, until `end_writing`; ``reason``: where no run is at it."""
        self.home.mkdir(parents=True, exist_ok=True)
        self.unfinished.write_text(reason, encoding="utf-8")

    @property
    def unfinished_reason(self) -> str | None:
        """What `begin_writing` was given; empty where a run is or was at it, None when the warehouse is what readers see."""
        try:
            return self.unfinished.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return None

    def why_unfinished(self) -> str | None:
        """Why the warehouse is not what readers see, as the start of a sentence; None when it is."""
        reason = self.unfinished_reason
        return "the last run did not finish, so its lines are not what people see" if reason == "" else reason

    def end_writing(self) -> None:
        """Note that the warehouse is what readers see."""
        self.unfinished.unlink(missing_ok=True)

    @property
    def restoring(self) -> Path:
        """Exists while a restore is going on; holds the command that finishes it."""
        return self.home / "restoring"

    @property
    def lock(self) -> Path:
        """The file that a run holds locked while it writes."""
        return self.home / "run.lock"

    def prepare(self, env: dict[str, str] | None = None) -> None:
        """Create the folders and dagster.yaml, and set what the child processes need in ``env``.

        ``env`` defaults to the process environment; COMMISSIONS_WAREHOUSE and COMMISSIONS_HOME become absolute,
        because dbt runs in its own folder.

        Raises SettingsError while a restore is unfinished: the books are not all there then; and when
        COMMISSIONS_MEMORY_LIMIT is not an amount of memory.
        """
        target = os.environ if env is None else env
        try:
            target[MEMORY_VARIABLE] = memory_limit(target)
        except LimitsError as error:
            raise SettingsError(str(error)) from None
        if self.restoring.exists():
            raise SettingsError(
                f"a restore into {self.home} was begun and not finished, so nothing is started. Finish it: "
                f"{self.restoring.read_text(encoding='utf-8').strip()}"
            )
        for folder in (
            self.home,
            self.dagster_home,
            self.logs,
            self.published.parent,
            spill_folder(self.home),
        ):
            folder.mkdir(parents=True, exist_ok=True)
        complete_dagster_yaml(self.dagster_home / "dagster.yaml")
        target.update(TELEMETRY_OFF)
        target.setdefault("DAGSTER_EVENT_BATCH_SIZE", str(EVENT_BATCH_SIZE))
        target["COMMISSIONS_HOME"] = str(self.home)
        target["COMMISSIONS_WAREHOUSE"] = str(self.warehouse)
        target["DAGSTER_HOME"] = str(self.dagster_home)
        if Path(seeds := target.get("COMMISSIONS_SEEDS", "")).is_absolute():
            target["COMMISSIONS_SEEDS"] = linked_seeds(Path(seeds))


def linked_seeds(folder: Path, project: Path = DBT_PROJECT_DIR) -> str:
    """A link to a folder of seeds, as seen from the dbt project; one a folder.

    dbt writes what it compiles of a file under `target path / path of the file`, which is the file itself where that path is
    absolute.
    """
    name = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
    link = project / "target" / "seeds" / name
    if not link.is_symlink():
        link.parent.mkdir(parents=True, exist_ok=True)
        temporary = link.with_name(f"{name}.{os.getpid()}.tmp")
        temporary.symlink_to(folder, target_is_directory=True)
        os.replace(temporary, link)
    return str(link.relative_to(project))


def complete_dagster_yaml(path: Path) -> None:
    """Append the missing sections, also in homes of an earlier version. Its own lines stay, except for modules that have moved.

    A file that is not YAML is left alone: Dagster and `commissions doctor` report it.
    """
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    try:
        content = yaml.safe_load(text) or {}
    except yaml.YAMLError:
        return
    missing = [DAGSTER_SECTIONS[name] for name in missing_sections(content)]
    moved = text
    for old, new in MOVED_MODULES.items():
        moved = moved.replace(f"module: {old}\n", f"module: {new}\n")
    if not missing and moved == text:
        return
    text = moved
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    ended = text if not text or text.endswith("\n") else f"{text}\n"
    temporary.write_text(ended + "".join(missing), encoding="utf-8")
    os.replace(temporary, path)


def missing_sections(content: Mapping[str, object]) -> list[str]:
    """The names of the sections that a dagster.yaml should have and has not.

    An installation with a `storage` of its own, as for PostgreSQL, has one for the events: Dagster refuses both.
    """
    return [
        name
        for name in DAGSTER_SECTIONS
        if name not in content and not (name == "event_log_storage" and "storage" in content)
    ]


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


def is_full(env: Mapping[str, str] = os.environ) -> bool:
    """Whether everything is done from scratch, whatever has changed: COMMISSIONS_FULL=1, as `run --full` sets it."""
    return env.get("COMMISSIONS_FULL", "") not in ("", "0")


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
