"""What configures a company beside its seeds, as rows of a name and a value: vars, systems, cadences, channels, own SQL."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

from ingestion.api.config import SECRET_WORDS
from orchestration.warehouse.files import BooksError

NAME, VALUE = "name", "value"
# A file without settings in it is one row.
TEXT = "text"
# Kept as a mark beside what is refused as a secret: an address may hold a token, and nothing refuses these.
SECRETIVE = re.compile(r"passw|token|private_?key|^key$|authori[sz]ation|url$", re.IGNORECASE)


def read_settings(files: Mapping[str, Path]) -> dict[str, list[dict[str, str]]]:
    """The rows of each file; of dbt's project file the vars.

    Addresses, what is called a secret, and the text of a file that cannot be parsed are kept as a mark of their bytes: the log
    is permanent, and many read it.

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
    if path.suffix == ".sql":
        yield TEXT, text
        return
    try:
        content = tomllib.loads(text) if path.suffix == ".toml" else (yaml.safe_load(text) or {}).get("vars")
    except (tomllib.TOMLDecodeError, yaml.YAMLError, AttributeError):
        yield TEXT, _mark(text)
        return
    for place, value in _flat("", content or {}):
        # Nobody has looked yet whether a secret was written where only its name belongs.
        name = place.rpartition(".")[2]
        yield place, _mark(value) if SECRET_WORDS.search(name) or SECRETIVE.search(name) else value


def _mark(text: str) -> str:
    """A mark that shows that a text changed, without its content."""
    return f"sha256 {sha256(text.encode()).hexdigest()[:12]}"


def _flat(place: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for name in value:
            yield from _flat(f"{place}.{name}" if place else str(name), value[name])
    elif isinstance(value, str) and value and not _is_json(value):
        yield place, value
    else:
        yield place, json.dumps(value, default=str)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
