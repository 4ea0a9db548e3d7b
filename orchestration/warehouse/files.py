"""Files that are whole or not there: written aside, made durable, then put in place in one step."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TEMPORARY = ".tmp"
# What a name may hold that becomes part of a path, a key or SQL: no separator, nothing hidden, nothing above its folder.
PLAIN_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_. -]*[A-Za-z0-9_-])?")
PLAIN_LETTERS_MAX = 64
# A name that is made of several.
MADE_LETTERS_MAX = 200
# Files of the record of an export, beside the exported file.
MANIFEST, SETTLED = "manifest.json", "settled.parquet"
RESERVED_NAMES = frozenset({MANIFEST, SETTLED})


class BooksError(Exception):
    """A book, an action or an archive cannot be used or made. The message names the file and the fix."""


def is_plain_name(name: str, longest: int = PLAIN_LETTERS_MAX) -> bool:
    """Whether a name may become part of a path, a key or SQL. ``longest``: how many letters it may have."""
    return len(name) <= longest and PLAIN_NAME.fullmatch(name) is not None and ".." not in name


def canonical(content: Mapping[str, Any]) -> bytes:
    """The one spelling of a JSON object that is hashed: sorted keys, UTF-8, a line."""
    return (json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


def hash_of(content: Mapping[str, Any], *, without: str) -> str:
    """SHA-256 of an object's canonical spelling, its own hash left out."""
    return hashlib.sha256(
        canonical({key: value for key, value in content.items() if key != without})
    ).hexdigest()


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_object(path: Path) -> dict[str, Any]:
    """A JSON object from a file. Raises BooksError when there is none in it."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise BooksError(f"{path} cannot be read: {error}; restore it from a backup") from None
    if not isinstance(content, dict):
        raise BooksError(f"{path} holds no JSON object; restore it from a backup")
    return content


def write_durably(path: Path, content: bytes) -> None:
    """Write a file and wait until the disk has it."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync(path: Path) -> None:
    """Wait until the disk has a file, or a folder's list of names."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def put_new(path: Path, content: bytes) -> None:
    """Make a file that must not exist yet: it appears whole, and a file of that name is never replaced.

    Raises BooksError when it exists, or when the disk has no room (then nothing is left behind).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}{TEMPORARY}")
    try:
        write_durably(temporary, content)
        os.link(temporary, path)
        sync(path.parent)
    except FileExistsError:
        raise BooksError(f"{path} exists already and is never replaced") from None
    except OSError as error:
        raise BooksError(
            f"{path} could not be written: {error.strerror}. Nothing was changed; fix it and try again"
        ) from None
    finally:
        temporary.unlink(missing_ok=True)


def replace_durably(path: Path, content: bytes) -> None:
    """Replace a file in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}{TEMPORARY}")
    try:
        write_durably(temporary, content)
        os.replace(temporary, path)
        sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def check_files(folder: Path, hashes: Mapping[str, str], occasion: str) -> None:
    """Raise BooksError that names the first file of a folder that is missing or was changed after an occasion."""
    for name, expected in sorted(hashes.items()):
        if not (folder / name).exists():
            raise BooksError(f"{folder / name} is missing; restore it from a backup")
        if file_hash(folder / name) != expected:
            raise BooksError(f"{folder / name} was changed after the {occasion}; restore it from a backup")
