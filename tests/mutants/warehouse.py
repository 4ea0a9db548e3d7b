"""A calculated warehouse in which a token can be broken, what depends on it built again, and all taken back.

All of it happens in one transaction of DuckDB that is rolled back, so that the next break meets the same warehouse.
"""

import json
import threading
from pathlib import Path
from typing import Any

import duckdb

from orchestration.plans.situations.run import GOT
from tests.calculation.compared import COMPARED
from tests.mutants.mutations import Mutation, broken

SECONDS_MAX = 5
SETTINGS = (
    "set TimeZone = 'UTC'; set threads = 1; set memory_limit = '2GB'; set max_temp_directory_size = '0MB';"
    " set enable_progress_bar = false"
)


class Project:
    """The models of a build: their compiled SQL, their relations and what depends on them."""

    def __init__(self, target: Path) -> None:
        manifest = json.loads((target / "manifest.json").read_text())
        models = {name: node for name, node in manifest["nodes"].items() if node["resource_type"] == "model"}
        self.nodes = {node["name"]: node for node in models.values()}
        self.sql = {
            node["name"]: (
                target / "compiled" / node["package_name"] / node["original_file_path"]
            ).read_text()
            for node in models.values()
        }
        self.parents = {
            node["name"]: {
                models[parent]["name"] for parent in node["depends_on"]["nodes"] if parent in models
            }
            for node in models.values()
        }
        self.order = self._sorted()

    def _sorted(self) -> list[str]:
        done: list[str] = []
        while len(done) < len(self.parents):
            done += sorted(n for n, p in self.parents.items() if n not in done and p <= set(done))
        return done

    def statement(self, model: str, sql: str) -> str:
        """Return what builds a model from its SQL."""
        kind = "view" if self.nodes[model]["config"]["materialized"] == "view" else "table"
        return f"create or replace {kind} {self.relation(model)} as (\n{sql}\n)"

    def relation(self, model: str) -> str:
        """Return the name of a model's table."""
        return f'"{self.nodes[model]["schema"]}"."{self.nodes[model]["alias"]}"'


class Warehouse:
    """One calculated warehouse, with what it holds when nothing is broken."""

    def __init__(self, path: Path, project: Project) -> None:
        self.project = project
        self.connection = duckdb.connect(str(path))
        self.connection.execute(SETTINGS)
        outcomes = [compared.sql for compared in COMPARED.values()] + list(GOT.values())
        self._outcomes = {sql: self._hash(f"({sql})") for sql in outcomes}
        self._models = {name: self._hash(project.relation(name)) for name in project.order}
        self._is_steady()

    def _is_steady(self) -> None:
        """Refuse a warehouse of which some model differs when it is built again unbroken."""
        self.connection.execute("begin")
        for name in self.project.order:
            self.connection.execute(self.project.statement(name, self.project.sql[name]))
            if self._hash(self.project.relation(name)) != self._models[name]:
                raise RuntimeError(
                    f"{name} differs when it is built again unbroken: nothing can be told of it"
                )
        self.connection.execute("rollback")

    def is_noticed(self, mutation: Mutation) -> bool:
        """Whether anything that situations and oracle look at changes with the break.

        An error, or a calculation that does not end in five seconds, is noticed too.
        """
        timer = threading.Timer(SECONDS_MAX, self.connection.interrupt)
        timer.start()
        self.connection.execute("begin")
        try:
            return self._build(mutation) and self._has_other_outcome()
        except duckdb.Error:
            return True
        finally:
            timer.cancel()
            self.connection.execute("rollback")

    def _build(self, mutation: Mutation) -> bool:
        """Build what has the token, and what is built upon that as far as it differs; say whether anything does."""
        differing: set[str] = set()
        for name in self.project.order:
            sql = self.project.sql[name]
            if mutation.mark in sql or self.project.parents[name] & differing:
                self.connection.execute(self.project.statement(name, broken(sql, mutation)))
                if self._hash(self.project.relation(name)) != self._models[name]:
                    differing.add(name)
        return bool(differing)

    def _has_other_outcome(self) -> bool:
        return any(self._hash(f"({sql})") != known for sql, known in self._outcomes.items())

    def _hash(self, relation: str) -> tuple[Any, ...]:
        found = self.connection.execute(
            f"select count(*), bit_xor(hash(t)), sum(cast(hash(t) as hugeint)) from {relation} as t"
        ).fetchone()
        assert found is not None
        return found


class UnitTests:
    """The compiled unit tests of a build: SQL over given rows, and what it returns when nothing is broken."""

    def __init__(self, warehouse: Path, target: Path) -> None:
        manifest = json.loads((target / "manifest.json").read_text())
        self.connection = duckdb.connect(str(warehouse))
        self.connection.execute(SETTINGS)
        self._tests: list[tuple[str, str, list[str]]] = []
        for node in manifest["unit_tests"].values():
            (path,) = target.rglob(f"compiled/**/{node['name']}.sql")
            self._tests.append((path.read_text(), node["name"], self._columns(node["expect"]["rows"])))
        self._known: dict[str, list[str]] = {}

    @staticmethod
    def _columns(rows: Any) -> list[str]:
        return rows.split("\n")[0].split(",") if isinstance(rows, str) else list(rows[0]) if rows else []

    def is_noticed(self, mutation: Mutation) -> bool:
        """Whether a unit test of a model that has the token returns other rows, or an error."""
        for sql, name, columns in self._tests:
            if mutation.mark in sql:
                if name not in self._known:
                    self._known[name] = self._rows(sql, columns)
                try:
                    if self._rows(broken(sql, mutation), columns) != self._known[name]:
                        return True
                except duckdb.Error:
                    return True
        return False

    def _rows(self, sql: str, columns: list[str]) -> list[str]:
        """Return the columns that the test looks at as sorted texts."""
        chosen = ", ".join(f'"{column.strip()}"' for column in columns) or "*"
        timer = threading.Timer(SECONDS_MAX, self.connection.interrupt)
        timer.start()
        try:
            return sorted(map(repr, self.connection.execute(f"select {chosen} from ({sql})").fetchall()))
        finally:
            timer.cancel()
