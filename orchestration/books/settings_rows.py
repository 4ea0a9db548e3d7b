"""What configures a company beside its seeds, as rows of a name and a value: vars, systems, cadences, channels, own SQL."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from ingestion.settings import Settings as IngestionSettings
from orchestration.books.files import BooksError
from orchestration.cadences import cadences_file
from orchestration.notifications import notifications_file
from orchestration.settings import DBT_PROJECT_DIR, PROJECT_ROOT

NAME, VALUE = "name", "value"
# A file without settings in it is one row.
TEXT = "text"


def settings_files(env: Mapping[str, str] = os.environ) -> dict[str, Path]:
    """The files by the name under which the log has them: their path in the project, or their name outside of it."""
    found = [
        DBT_PROJECT_DIR / "dbt_project.yml",
        *sorted((DBT_PROJECT_DIR / "models" / "custom").glob("*.sql")),
        IngestionSettings.from_env(env).sources,
        cadences_file(env),
        notifications_file(env),
    ]
    return {_told(path): path for path in found if path is not None and path.exists()}


def read_settings(files: Mapping[str, Path]) -> dict[str, list[dict[str, str]]]:
    """The rows of each file; secrets are not among them, because these files only name where a secret is.

    Of dbt's project file the vars. A file that is not what its name says is its text: the run says elsewhere what is wrong.

    Raises:
        BooksError: a file that this user may not read.
    """
    found = {}
    for file, path in files.items():
        try:
            found[file] = [{NAME: name, VALUE: value} for name, value in _settings(path)]
        except OSError as error:
            raise BooksError(
                f"{path} cannot be read: {error.strerror}. Let the user of the service read it"
            ) from None
    return found


def _settings(path: Path) -> Iterator[tuple[str, str]]:
    text = path.read_text(encoding="utf-8", errors="replace")
    try:
        if path.suffix == ".toml":
            yield from _flat("", tomllib.loads(text))
        elif path.suffix == ".yml":
            yield from _flat("", (yaml.safe_load(text) or {}).get("vars") or {})
        else:
            yield TEXT, text
    except (tomllib.TOMLDecodeError, yaml.YAMLError, AttributeError):
        yield TEXT, text


def _flat(place: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for name in value:
            yield from _flat(f"{place}.{name}" if place else str(name), value[name])
    else:
        is_plain = isinstance(value, str) and value
        yield place, value if is_plain else json.dumps(value, default=str, sort_keys=True)


def _told(path: Path) -> str:
    return path.relative_to(PROJECT_ROOT).as_posix() if path.is_relative_to(PROJECT_ROOT) else path.name
