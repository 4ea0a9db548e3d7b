"""What the home knows of its last backup."""

from __future__ import annotations

from pathlib import Path

from orchestration.warehouse.files import BooksError, canonical, read_object, replace_durably

NAME = "last_backup.json"


def write_receipt(home: Path, folder: Path, made_at: str, backup_hash: str) -> None:
    """Note where the last backup is. ``made_at`` is UTC in ISO form."""
    content = {"folder": str(folder), "made_at": made_at, "backup_hash": backup_hash}
    replace_durably(home / NAME, canonical(content))


def read_receipt(home: Path) -> dict[str, str] | None:
    """The last backup's folder, made_at and backup_hash; None where none was made."""
    if not (home / NAME).exists():
        return None
    try:
        content = read_object(home / NAME)
    except BooksError:
        return None
    return content if {"folder", "made_at", "backup_hash"} <= set(content) else None
