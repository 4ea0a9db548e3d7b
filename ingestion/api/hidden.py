"""Standard fields that a vendor does not show: a feature is off, or the user of the credentials may not see them."""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from ingestion.api.config import Configured
from ingestion.api.plans import used_columns
from ingestion.landing.settings import PROJECT_ROOT
from ingestion.landing.tables import Table

SQL_FOLDERS = ("models", "macros")


def without_hidden(
    configured: Configured, table: Table, described: Mapping[str, Any] | None, seeds: Path
) -> tuple[Table, list[str]]:
    """Return the table without the standard fields that the vendor hides and nobody reads, and their names; they land empty.

    A field that a plan or a model reads stays, and so does one that the company declares with a type of its own.
    """
    own = next((one for one in configured.connector.tables if one.name == table.name), None)
    if own is None or described is None:
        return table, []
    shown = {name.lower() for name in described}
    named = (*table.primary_key, table.stamp, table.deleted_flag, table.further_key)
    kept = {name.lower() for name in named if name}
    kept |= {name.lower() for name in used_columns(seeds, configured.config.name, table.name)}
    hidden = [
        column.name
        for column in table.columns
        if column.name.lower() not in shown
        and column.name.lower() not in kept
        and column in own.columns
        and not _is_named(configured.config.name, column.name)
    ]
    columns = tuple(column for column in table.columns if column.name not in hidden)
    return (replace(table, columns=columns), hidden) if hidden else (table, [])


def _is_named(system: str, column: str) -> bool:
    """Whether the SQL of the project names a column: quoted anywhere, or as a word in the models of the system."""
    anywhere, of_system = _sql(system)
    return f'"{column}"'.lower() in anywhere or bool(
        re.search(rf"\b{re.escape(column.lower())}\b", of_system)
    )


@cache
def _sql(system: str) -> tuple[str, str]:
    texts = {
        path: path.read_text(encoding="utf-8").lower()
        for folder in SQL_FOLDERS
        for path in sorted((PROJECT_ROOT / "dbt_project" / folder).rglob("*.sql"))
    }
    of_system = [text for path, text in texts.items() if system in str(path) or f"'{system}'" in text]
    return "\n".join(texts.values()), "\n".join(of_system)
