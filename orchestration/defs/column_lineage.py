"""The columns that each column of a model is made of, for Dagster's column lineage.

dbt does not provide it. It is read from the compiled SQL with sqlglot; filters and join keys are not part of a value.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any

import dagster as dg
import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope
from sqlglot.schema import MappingSchema

from orchestration.calculation.dbt_process import DbtProcess
from orchestration.defs.translator import dbt_key

DIALECT = "duckdb"
_NAMED = re.compile(r'"([^"]+)"\."([^"]+)"(?!\.)')
Table = tuple[str, str]
Origins = frozenset[tuple[Table, str]]


def column_origins(sql: str, tables: Mapping[Table, Sequence[str]]) -> dict[str, Origins]:
    """The origins of each output column of a query, in its order: columns of ``tables``, by (schema, table).

    A column without an origin is made of literals only. All names are in lower case, as DuckDB compares them.

    Raises:
        SqlglotError: The query cannot be read, or names a column that ``tables`` has not.
    """
    by_name = {_lower(table): columns for table, columns in tables.items()}
    query = sqlglot.parse_one(sql, dialect=DIALECT)
    schema = MappingSchema(dialect=DIALECT)
    for table in query.find_all(exp.Table):
        if columns := by_name.get(_table(table)):
            schema.add_table(table, dict.fromkeys(columns, "unknown"), dialect=DIALECT)
    if query.find(exp.Pivot):
        raise SqlglotError("a pivot makes columns of values")
    _expand_chosen(query, by_name)
    scope = build_scope(qualify(query, schema=schema, dialect=DIALECT))
    if scope is None or not isinstance(scope.expression, exp.Query):
        raise SqlglotError("not a query")
    origins = _Tracer(scope, by_name).outputs(scope)
    return {name: origins.get(name, frozenset()) for name in scope.expression.named_selects}


def _lower(table: Table) -> Table:
    return table[0].lower(), table[1].lower()


def _table(table: exp.Table) -> Table:
    return table.db.lower(), table.name.lower()


def _expand_chosen(query: exp.Expr, tables: Mapping[Table, Sequence[str]]) -> None:
    """Write out `columns(lambda name: ...)` over a table: DuckDB itself says which names the lambda chooses."""
    for chosen in list(query.find_all(exp.Columns)):
        select = chosen.find_ancestor(exp.Select)
        read = [_table(table) for table in select.find_all(exp.Table)] if select else []
        names = list(tables.get(read[0], [])) if len(read) == 1 else []
        is_alone = select is not None and any(chosen is one for one in select.expressions)
        if (
            select is None
            or not is_alone
            or not names
            or not isinstance(chosen.this, exp.Lambda)
            or len(chosen.this.expressions) != 1
        ):
            raise SqlglotError(f"the columns of {chosen.sql(dialect=DIALECT)} are not known")
        # As DuckDB writes a lambda today; sqlglot still writes the arrow.
        name, body = chosen.this.expressions[0].name, chosen.this.this.sql(dialect=DIALECT)
        with duckdb.connect() as connection:
            answer = connection.execute(f"select list_filter($1, lambda {name}: {body})", [names]).fetchone()
        kept = [exp.column(column, quoted=True) for column in (answer[0] if answer else [])]
        at = next(at for at, one in enumerate(select.expressions) if one is chosen)
        select.set("expressions", [*select.expressions[:at], *kept, *select.expressions[at + 1 :]])


class _Tracer:
    """Follows columns through the scopes of one query; each scope is followed once, however often it is read."""

    def __init__(self, root: Scope, tables: Mapping[Table, Sequence[str]]) -> None:
        self._tables = tables
        self._known: dict[int, dict[str, Origins]] = {}
        # A recursive query reads itself by its first part; that it did so is remembered until its origins are all found.
        self._first_parts = {
            id(scope.expression.this): scope
            for scope in root.traverse()
            if isinstance(scope.expression, exp.SetOperation)
        }
        self._open: set[int] = set()
        self._read_itself: set[int] = set()

    def outputs(self, scope: Scope) -> dict[str, Origins]:
        """The origins of the scope's output columns by name."""
        key = id(scope)
        if key in self._open:
            self._read_itself.add(key)
        if key in self._known:
            return self._known[key]
        self._open.add(key)
        before: set[int] = set(self._known)
        found: dict[str, Origins] = {}
        while True:
            self._known = {one: known for one, known in self._known.items() if one in before} | {key: found}
            found, last = self._outputs(scope), found
            if key not in self._read_itself or found == last:
                break
        self._known[key] = found
        self._open.discard(key)
        return found

    def _outputs(self, scope: Scope) -> dict[str, Origins]:
        names = scope.expression.named_selects if isinstance(scope.expression, exp.Query) else []
        if scope.set_operation_scopes:
            named = [self.outputs(part) for part in scope.set_operation_scopes]
            if scope.expression.args.get("by_name"):
                every = dict.fromkeys(name for part in named for name in part)
                return {name: _union(part.get(name, frozenset()) for part in named) for name in every}
            parts = [list(part.values()) for part in named]
            return {
                name: _union(part[at] for part in parts if at < len(part)) for at, name in enumerate(names)
            }
        if not isinstance(scope.expression, exp.Select):
            return {}
        return {
            name: self._of(made_by, scope)
            for name, made_by in zip(names, scope.expression.selects, strict=True)
        }

    def _of(self, made_by: exp.Expr, scope: Scope) -> Origins:
        found: list[Origins] = []
        for node in made_by.walk(prune=lambda node: isinstance(node, exp.Query)):
            if isinstance(node, exp.Column):
                found.append(self._column(_source(node.table, scope), node.name.lower(), scope))
            elif isinstance(node, exp.TableColumn):
                found.append(self._row(scope.sources.get(node.name)))
            elif isinstance(node, exp.Query):
                inner = [one for one in scope.subquery_scopes if one.expression is node.unnest()]
                found += [origins for one in inner for origins in self.outputs(one).values()]
        return _union(found)

    def _column(self, source: exp.Table | Scope | None, name: str, scope: Scope) -> Origins:
        if isinstance(source, exp.Table):
            return frozenset({(_table(source), name)}) if source.db else frozenset()
        if source is None:
            return frozenset()
        if isinstance(source.expression, exp.Query):
            return self.outputs(self._first_parts.get(id(source.expression), source)).get(name, frozenset())
        # unnest() and its like: made of all that they read.
        return _union(
            self._column(scope.sources.get(read.table), read.name.lower(), scope)
            for read in source.expression.find_all(exp.Column)
            if scope.sources.get(read.table) is not source
        )

    def _row(self, source: exp.Table | Scope | None) -> Origins:
        """All columns of a row that is taken as one value."""
        if isinstance(source, exp.Table):
            names = self._tables.get(_table(source), ())
            return frozenset((_table(source), name.lower()) for name in names)
        return _union(self.outputs(source).values()) if source is not None else frozenset()


def _source(name: str, scope: Scope | None) -> exp.Table | Scope | None:
    """What a name means here: a lookup also sees the tables of the row that it is for."""
    while scope is not None:
        if name in scope.sources:
            return scope.sources[name]
        scope = scope.parent
    return None


def _union(origins: Iterable[Origins]) -> Origins:
    return frozenset().union(*origins)


def as_table(lineage: dg.TableColumnLineage) -> str:
    """The lineage as a Markdown table: Dagster's own page of an asset keeps it, and does not show it."""
    lines = ["| column | is made of |", "|---|---|"]
    for column, deps in lineage.deps_by_column.items():
        by_table: dict[str, list[str]] = {}
        for dep in deps:
            by_table.setdefault(".".join(dep.asset_key.path), []).append(dep.column_name)
        made_of = "; ".join(f"{table}: {', '.join(columns)}" for table, columns in by_table.items())
        lines.append(f"| {column} | {made_of or 'constants and counts'} |")
    return "\n".join(lines)


def landed_columns(warehouse: Path, system: str) -> dict[str, dg.TableSchema]:
    """The columns of the landed tables of a system with their types, by table."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        tables = connection.execute(
            "select table_name, list({name: column_name, type: data_type} order by column_index)"
            " from duckdb_columns() where schema_name = $1 group by all",
            [f"raw_{system}"],
        ).fetchall()
    return {
        table: dg.TableSchema([dg.TableColumn(one["name"], one["type"].lower()) for one in columns])
        for table, columns in tables
    }


def _read_kept(path: Path) -> dict[str, Any]:
    try:
        kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return kept


class ColumnLineage:
    """The lineage of the models of one dbt run, in the order in which dbt builds them."""

    def __init__(
        self, manifest: Mapping[str, Any], compiled: Path, warehouse: Path, log: logging.Logger
    ) -> None:
        self._manifest = manifest
        self._compiled = compiled
        self._log = log
        self._path = compiled.parent / "lineage.json"
        self._kept: dict[str, dict[str, list[list[str]]]] = _read_kept(self._path)
        self._nodes = {
            (str(node["schema"]), str(node["alias"])): node
            for node in manifest["nodes"].values()
            if node["resource_type"] in ("model", "seed")
        } | {
            (str(node["schema"]), str(node["identifier"])): node for node in manifest["sources"].values()
        }  # fmt: skip
        self._lower = {_lower(table): table for table in self._nodes}
        # What was followed so far by the model's unique id: the lineage, or why there is none.
        self._followed: dict[str, dg.TableColumnLineage | Exception] = {}
        self._columns: dict[Table, Sequence[str]] = {
            table: list(node["columns"]) for table, node in self._nodes.items()
        }
        if warehouse.exists():
            with duckdb.connect(str(warehouse), read_only=True) as connection:
                for schema, table, columns in connection.execute(
                    "select schema_name, table_name, list(column_name order by column_index)"
                    " from duckdb_columns() group by all"
                ).fetchall():
                    self._columns[schema, table] = columns

    @contextmanager
    def beside(self, dbt: DbtProcess) -> Iterator[None]:
        """Follow each model as soon as ``dbt`` has built it, in a thread: dbt is another process, and this one waits for it."""
        built: SimpleQueue[str] = SimpleQueue()

        def hear(unique_id: str, status: str, seconds: float) -> None:
            if status == "success":
                built.put(unique_id)

        def follow() -> None:
            while unique_id := built.get():
                node = self._manifest["nodes"].get(unique_id)
                if node is not None and node["resource_type"] == "model":
                    self._follow(node)

        thread = Thread(target=follow, name="column-lineage", daemon=True)
        dbt.listeners.append(hear)
        thread.start()
        try:
            yield
        finally:
            dbt.listeners.remove(hear)
            built.put("")
            thread.join()

    def metadata_of(self, unique_id: str) -> dict[str, Any]:
        """The lineage of a model as metadata of its materialization; empty for seeds, and where its SQL cannot be followed."""
        node = self._manifest["nodes"].get(unique_id)
        if node is None or node["resource_type"] != "model":
            return {}
        lineage = self.of_model(node)
        if lineage is None:
            return {}
        return {"dagster/column_lineage": lineage, "made of": dg.MetadataValue.md(as_table(lineage))}

    def of_model(self, node: Mapping[str, Any]) -> dg.TableColumnLineage | None:
        """The lineage of a model's columns, spelled as the tables have them; None where its SQL cannot be followed."""
        if node["unique_id"] not in self._followed:
            self._follow(node)
        found = self._followed[node["unique_id"]]
        if isinstance(found, Exception):
            self._log.warning("No column lineage of %s: %s", node["name"], str(found).partition("\n")[0])
            return None
        return found

    def _follow(self, node: Mapping[str, Any]) -> None:
        path = self._compiled / node["package_name"] / node["original_file_path"]
        try:
            found: dg.TableColumnLineage | Exception = self._spelled_out(
                node, path.read_text(encoding="utf-8")
            )
        except Exception as error:  # whatever is in a company's own SQL, lineage stops no calculation
            found = error
        self._followed[node["unique_id"]] = found

    def _spelled_out(self, node: Mapping[str, Any], sql: str) -> dg.TableColumnLineage:
        origins = self._origins(sql)
        own = {column.lower(): column for column in node["columns"]}
        read = {column: self._spelled(table, column) for made in origins.values() for table, column in made}
        names = {column: own.get(column, read.get(column, column)) for column in origins}
        self._columns[str(node["schema"]), str(node["alias"])] = list(names.values())
        return dg.TableColumnLineage(
            {
                names[column]: [
                    dg.TableColumnDep(dbt_key(self._nodes[self._lower[table]]), self._spelled(table, name))
                    for table, name in sorted(made)
                    if table in self._lower
                ]
                for column, made in origins.items()
            }
        )

    def _origins(self, sql: str) -> dict[str, Origins]:
        """The origins of a query's columns, from the last time where nothing that they follow from has changed."""
        key = hashlib.sha256(json.dumps([sql, self._columns_named(sql)]).encode()).hexdigest()
        if key not in self._kept:
            found = column_origins(sql, self._columns)
            self._kept[key] = {
                column: sorted([*table, name] for table, name in made) for column, made in found.items()
            }
        return {
            column: frozenset(((schema, table), name) for schema, table, name in made)
            for column, made in self._kept[key].items()
        }

    def _columns_named(self, sql: str) -> list[Any]:
        """The columns of the relations that the SQL names, as dbt writes them: in quotes, with their schema."""
        named = set(_NAMED.findall(sql))
        return sorted([*table, list(columns)] for table, columns in self._columns.items() if table in named)

    def keep(self) -> None:
        """Write what was followed, for the next run. Losing it costs time only."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._path.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_text(json.dumps(self._kept), encoding="utf-8")
        temporary.replace(self._path)

    def _spelled(self, table: Table, column: str) -> str:
        columns = self._columns.get(self._lower.get(table, table), [])
        return next((known for known in columns if known.lower() == column), column)
