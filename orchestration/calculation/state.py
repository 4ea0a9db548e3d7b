"""What the warehouse was built from, kept in the warehouse: the fingerprint of each node as it was last built.

A row is deleted before its node is touched and written after it was built, so a run that was killed leaves nodes without a
row, which are built again. dbt itself notes in `main.last_invocation` who built last (on-run-start in dbt_project.yml): where
that is another invocation, dbt was run by hand and nothing is assumed to be known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import duckdb

from orchestration.calculation.fingerprints import Fingerprint

TABLE = "calculation_state.nodes"
LAST_INVOCATION = "main.last_invocation"


@dataclass(frozen=True)
class Known:
    """What a node was built with: the fingerprint that decides, and its definition alone."""

    built: str
    definition: str


def read_state(connection: duckdb.DuckDBPyConnection) -> dict[str, Known]:
    """What each node was built with, by unique id, and each landed table was read with; empty where nothing is known."""
    try:
        rows = connection.execute(
            f"select unique_id, built, definition, invocation_id from {TABLE}"
        ).fetchall()
        last = connection.execute(f"select invocation_id from {LAST_INVOCATION}").fetchone()
    except (duckdb.BinderException, duckdb.CatalogException):
        return {}
    if last is None or any(invocation != last[0] for *_, invocation in rows):
        return {}
    return {unique_id: Known(built, definition) for unique_id, built, definition, _ in rows}


def forget(connection: duckdb.DuckDBPyConnection, unique_ids: Iterable[str] | None) -> None:
    """Delete the rows of nodes that are about to be built; None: of all."""
    if unique_ids is None:
        # Also what an earlier version has left, which may have other columns.
        connection.execute("drop schema if exists calculation_state cascade")
    _create(connection)
    if unique_ids is not None:
        connection.execute(f"delete from {TABLE} where list_contains(?, unique_id)", [list(unique_ids)])


def remember(connection: duckdb.DuckDBPyConnection, built: Mapping[str, Fingerprint]) -> None:
    """Write what was built, by the invocation that dbt has noted; rows that were there before are taken over by it."""
    _create(connection)
    last = connection.execute(f"select invocation_id from {LAST_INVOCATION}").fetchone()
    if last is None:
        return
    connection.execute("begin")
    connection.execute(f"delete from {TABLE} where list_contains(?, unique_id)", [list(built)])
    connection.execute(
        f"insert into {TABLE} select unnest(?::varchar[]), unnest(?::varchar[]), unnest(?::varchar[]), ?",
        [
            list(built),
            [fingerprint.built for fingerprint in built.values()],
            [fingerprint.definition for fingerprint in built.values()],
            last[0],
        ],
    )
    connection.execute(f"update {TABLE} set invocation_id = ?", [last[0]])
    connection.execute("commit")


def _create(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("create schema if not exists calculation_state")
    connection.execute(
        f"create table if not exists {TABLE} "
        "(unique_id varchar, built varchar, definition varchar, invocation_id varchar)"
    )
