"""What the warehouse was built from, kept in the warehouse: the fingerprint of each node as it was last built.

A row is deleted before its node is touched and written after it was built, so a run that was killed leaves nodes without a
row, which are built again. dbt itself notes in `main.last_invocation` who built last (on-run-start in dbt_project.yml): where
that is somebody else, somebody ran dbt by hand and nothing is taken for known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import duckdb

from orchestration.calculation.fingerprints import Fingerprint

TABLE = "calculation_state.nodes"
LAST_INVOCATION = "main.last_invocation"


def read_state(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The fingerprint each node was built with, by unique id; empty where nothing is known."""
    try:
        rows = connection.execute(f"select unique_id, built, invocation_id from {TABLE}").fetchall()
        last = connection.execute(f"select invocation_id from {LAST_INVOCATION}").fetchone()
    except duckdb.CatalogException:
        return {}
    if last is None or any(invocation != last[0] for _, _, invocation in rows):
        return {}
    return {unique_id: built for unique_id, built, _ in rows}


def forget(connection: duckdb.DuckDBPyConnection, unique_ids: Iterable[str] | None) -> None:
    """Delete the rows of nodes that are about to be built; None: of all."""
    _create(connection)
    if unique_ids is None:
        connection.execute(f"delete from {TABLE}")
    else:
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
        f"insert into {TABLE} select unnest(?::varchar[]), unnest(?::varchar[]), ?",
        [list(built), [fingerprint.built for fingerprint in built.values()], last[0]],
    )
    connection.execute(f"update {TABLE} set invocation_id = ?", [last[0]])
    connection.execute("commit")


def _create(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("create schema if not exists calculation_state")
    connection.execute(
        f"create table if not exists {TABLE} (unique_id varchar, built varchar, invocation_id varchar)"
    )
