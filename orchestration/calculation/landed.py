"""Hashes of what is landed, by table: rows and columns, whatever put them there."""

from __future__ import annotations

import hashlib

import duckdb


def raw_fingerprints(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], str]:
    """A hash of the columns and rows of each table of the schemas raw_*, by schema and table; the order of rows is no part of it."""
    columns = connection.execute(
        """
        select table_schema, table_name, string_agg(column_name || ' ' || data_type, ', ' order by ordinal_position)
        from information_schema.columns
        where table_catalog = current_database() and starts_with(table_schema, 'raw_') and not ends_with(table_schema, '_staging')
        group by all order by all
        """
    ).fetchall()
    found = {}
    for schema, table, described in columns:
        rows = connection.execute(
            f'select count(*), bit_xor(hash(t)), sum(hash(t)::hugeint) from "{schema}"."{table}" as t'
        ).fetchone()
        found[schema, table] = hashlib.sha256(f"{described}|{rows}".encode()).hexdigest()
    return found
