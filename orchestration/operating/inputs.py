"""Whether anything that a run reads has changed since the last good one: files by their bytes, never by their time stamps."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from ingestion.landing.settings import Settings as IngestionSettings
from orchestration.warehouse.settings import DBT_PROJECT_DIR, PROJECT_ROOT, RunSettings, dbt_as_of_date

CODE = ("ingestion", "orchestration", "dbt_project")
CODE_SUFFIXES = {".py", ".sql", ".yml", ".yaml", ".toml", ".md", ".csv"}
PACKAGES = ("dbt-core", "dbt-duckdb", "duckdb", "dlt", "dagster")
RECORD = "last_run.json"
# Where things lie and how a run is started decide nothing about what it calculates.
NOT_READ = {"COMMISSIONS_HOME", "COMMISSIONS_FULL", "COMMISSIONS_WAREHOUSE", "COMMISSIONS_MEMORY_LIMIT"}


@dataclass(frozen=True)
class Inputs:
    """A hash of all inputs, and how many files were read for it."""

    digest: str
    seeds: int
    extracts: int


def read_inputs(settings: RunSettings, seeds: Path, env: Mapping[str, str] = os.environ) -> Inputs:
    """Hash what a run reads before it writes: extracts, seeds, code, settings, versions, the as_of_date.

    The books are another hash (`read_books`): a run itself writes the changes of the configuration into them.
    """
    sources = IngestionSettings.from_env(env)
    extracts, plans = list(_files(sources.extracts)), list(_files(seeds))
    digest = hashlib.sha256()
    for label, files in (
        ("extracts", extracts),
        ("seeds", plans),
        ("settings", [path for path in _settings_files(env) if path.is_file()]),
        ("code", list(_code())),
    ):
        for path in files:
            digest.update(f"{label}\0{path}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    variables = {
        name: value
        for name, value in sorted(env.items())
        if name.startswith("COMMISSIONS_") and name not in NOT_READ
    }
    as_of = settings.as_of_date or dbt_as_of_date()
    digest.update(json.dumps([as_of, variables, {name: version(name) for name in PACKAGES}]).encode())
    return Inputs(digest.hexdigest(), len([p for p in plans if p.suffix == ".csv"]), len(extracts))


def read_books(settings: RunSettings) -> str:
    """Hash what is landed of the books: not the publications, which a run adds and no run reads."""
    digest = hashlib.sha256()
    for path in _files(settings.books):
        if settings.books / "publications" not in path.parents:
            digest.update(f"{path}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def record_run(settings: RunSettings, digest: str) -> None:
    """Note that a good run has read these inputs and books, and has left the files as they are now."""
    written = settings.home / f"{RECORD}.{os.getpid()}.tmp"
    record = {"inputs": digest, "files": _state(settings), "at": datetime.now(UTC).isoformat()}
    written.write_text(json.dumps(record), encoding="utf-8")
    written.replace(settings.home / RECORD)


def forget_run(settings: RunSettings) -> None:
    """Nothing is known of the last run from here on."""
    (settings.home / RECORD).unlink(missing_ok=True)


def unchanged_since(settings: RunSettings, digest: str) -> datetime | None:
    """When the last good run ended, if these were its inputs and nobody has touched its files since; else None."""
    if settings.unfinished.exists():
        return None
    try:
        record = json.loads((settings.home / RECORD).read_text(encoding="utf-8"))
        same = record["inputs"] == digest and record["files"] == _state(settings)
        return datetime.fromisoformat(record["at"]) if same else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _state(settings: RunSettings) -> list[list[int]]:
    """Size and time of the warehouse and the published file. A time that changed without reason costs one run, and no more."""
    found = []
    for path in (settings.warehouse, settings.published):
        known = path.stat()
        found.append([known.st_size, known.st_mtime_ns])
    return found


def _files(folder: Path) -> Iterator[Path]:
    yield from sorted(path for path in folder.rglob("*") if path.is_file())


def _settings_files(env: Mapping[str, str]) -> list[Path]:
    from orchestration.operating.settings_files import settings_files

    return sorted(settings_files(env).values())


def _code() -> Iterator[Path]:
    built = {DBT_PROJECT_DIR / "target", DBT_PROJECT_DIR / "logs", PROJECT_ROOT / "ingestion" / "sample"}
    for folder in CODE:
        for path in sorted((PROJECT_ROOT / folder).rglob("*")):
            if path.suffix in CODE_SUFFIXES and not built.intersection(path.parents):
                yield path
