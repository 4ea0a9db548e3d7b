"""A calculated warehouse in which one model can be broken, what depends on it built again, and all taken back.

All of it happens in one transaction of DuckDB that is rolled back, so that the next break meets the same warehouse.
"""

import json
import re
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb
from compared import COMPARED

from orchestration.situations.run import GOT

SECONDS_MAX = 5
Outcome = dict[str, tuple[Any, ...]]


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
        self._parents = {
            node["name"]: {
                models[parent]["name"] for parent in node["depends_on"]["nodes"] if parent in models
            }
            for node in models.values()
        }
        self.order = self._sorted()

    def _sorted(self) -> list[str]:
        done: list[str] = []
        while len(done) < len(self._parents):
            done += sorted(n for n, p in self._parents.items() if n not in done and p <= set(done))
        return done

    def stage_models(self) -> list[str]:
        """Return the models of the stages, in the order in which they are built."""
        folder = "models/intermediate/"
        return [name for name in self.order if self.nodes[name]["original_file_path"].startswith(folder)]

    def descendants(self, model: str) -> list[str]:
        """Return what is built upon a model, in order."""
        found = {model}
        for name in self.order:
            if self._parents[name] & found:
                found.add(name)
        return [name for name in self.order if name in found and name != model]

    def statement(self, model: str, sql: str) -> str:
        """Return what builds a model from its SQL."""
        node = self.nodes[model]
        kind = "view" if node["config"]["materialized"] == "view" else "table"
        return f'create or replace {kind} "{node["schema"]}"."{node["alias"]}" as (\n{sql}\n)'

    def relation(self, model: str) -> str:
        """Return the name of a model's table."""
        return f'"{self.nodes[model]["schema"]}"."{self.nodes[model]["alias"]}"'


class Warehouse:
    """One calculated warehouse, with what it holds when nothing is broken."""

    def __init__(self, path: Path, project: Project) -> None:
        self.project = project
        self.connection = duckdb.connect(str(path))
        self.connection.execute(
            "set TimeZone = 'UTC'; set threads = 1; set memory_limit = '2GB'; set max_temp_directory_size = '0MB'; set enable_progress_bar = false"
        )
        outcomes = [compared.sql for compared in COMPARED.values()] + list(GOT.values())
        self._outcomes = {sql: self._hash(f"({sql})") for sql in outcomes}
        self._models: dict[str, tuple[Any, ...]] = {}

    def is_noticed(self, model: str, sql: str) -> bool:
        """Whether anything that situations and oracle look at changes when the model has this SQL.

        An error, or a step that does not end in five seconds, is noticed too.
        """
        if model not in self._models:
            self._models[model] = self._hash(self.project.relation(model))
            if self.is_noticed(model, self.project.sql[model]):
                raise RuntimeError(
                    f"{model} differs when it is built again unbroken: nothing can be told of it"
                )
        timer = threading.Timer(SECONDS_MAX, self.connection.interrupt)
        timer.start()
        self.connection.execute("begin")
        try:
            self.connection.execute(self.project.statement(model, sql))
            if self._hash(self.project.relation(model)) == self._models[model]:
                return False
            for name in self.project.descendants(model):
                self.connection.execute(self.project.statement(name, self.project.sql[name]))
            return any(self._hash(f"({sql})") != known for sql, known in self._outcomes.items())
        except duckdb.Error:
            return True
        finally:
            timer.cancel()
            self.connection.execute("rollback")

    def _hash(self, relation: str) -> tuple[Any, ...]:
        found = self.connection.execute(
            f"select count(*), bit_xor(hash(t)), sum(cast(hash(t) as hugeint)) from {relation} as t"
        ).fetchone()
        assert found is not None
        return found


class UnitTests:
    """The compiled unit tests of a build: SQL over given rows, and what it returns when nothing is broken."""

    def __init__(self, target: Path, project: Project) -> None:
        manifest = json.loads((target / "manifest.json").read_text())
        self.connection = duckdb.connect()
        self.connection.execute("set TimeZone = 'UTC'; set threads = 1")
        self._tests: dict[str, list[tuple[str, list[str]]]] = {}
        for node in manifest["unit_tests"].values():
            found = list(target.rglob(f"compiled/**/{node['name']}.sql"))
            if found:
                columns = self._columns(node["expect"]["rows"])
                self._tests.setdefault(node["model"], []).append((found[0].read_text(), columns))
        self.project = project

    @staticmethod
    def _columns(rows: Any) -> list[str]:
        return rows.split("\n")[0].split(",") if isinstance(rows, str) else list(rows[0]) if rows else []

    def of(self, model: str) -> Iterable[tuple[str, list[str]]]:
        """Return the SQL and the looked-at columns of each unit test of a model."""
        return self._tests.get(model, ())

    def rows(self, sql: str, columns: list[str]) -> list[str] | None:
        """Return the looked-at columns as sorted texts; None when the SQL fails."""
        chosen = ", ".join(f'"{column.strip()}"' for column in columns) or "*"
        try:
            return sorted(map(repr, self.connection.execute(f"select {chosen} from ({sql})").fetchall()))
        except duckdb.Error:
            return None


def first_cte(sql: str) -> str:
    """Return the name of a model's first CTE."""
    found = re.search(r"\bwith(?:\s+recursive)?\s+(\w+)\s+as\s*\(", sql)
    if not found:
        raise ValueError("the model has no CTE")
    return found[1]
