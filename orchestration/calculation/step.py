"""The calculation of a run: build what has changed, check what can have become wrong, make the next copy of the marts.

Data flow: landed tables, seeds, the project -> fingerprints -> dbt builds the nodes whose fingerprint is new -> the marts that
changed are copied beside the published file -> the data tests that can fail because of it run on that copy. Nothing is
published here: `Calculated.candidate` waits for that.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb

from ingestion.landing.unchanged import raw_fingerprints
from orchestration.calculation.checks import (
    PASS,
    Asked,
    CheckResult,
    ask,
    asked_tests,
)
from orchestration.calculation.dbt_process import BuildResult, DbtProcess, NodeResult
from orchestration.calculation.fingerprints import Fingerprint, file_hash, fingerprints
from orchestration.calculation.manifest import PACKAGES, project_digest, ready
from orchestration.calculation.state import Known, forget, read_state, remember
from orchestration.warehouse.compaction import drop_models
from orchestration.warehouse.machine_limits import limits
from orchestration.warehouse.publish import Candidate, prepare, published_nodes
from orchestration.warehouse.readable import ReadableWarehouse
from orchestration.warehouse.settings import RunSettings, dbt_as_of_date

Manifest = Mapping[str, Any]
TESTS = "tests.json"
RUN_RESULTS = "run_results.json"
# A message names at most so many stale models.
NAMES_SHOWN = 5
BUILD = ("build", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")


class CalculationError(Exception):
    """A model could not be built, or a data test failed. Readers keep what they have."""


@dataclass(frozen=True)
class Calculated:
    """What a calculation did.

    Attributes:
        built: the nodes that dbt built, in its order.
        checks: the data tests that were asked.
        fingerprints: today's, of everything.
        nodes: the fingerprints to publish: of marts, and of the tests that have passed on this data.
        candidate: the next copy of the marts.
        unchanged: how many seeds and models were as they are to be.
    """

    built: Sequence[NodeResult]
    checks: Sequence[CheckResult]
    fingerprints: Mapping[str, Fingerprint]
    nodes: Mapping[str, str]
    candidate: Candidate
    unchanged: int


@dataclass
class Calculation:
    """One calculation of one home.

    Args:
        seeds: folder of the CSV files.
        digest: of the project that ``manifest`` is of (`manifest.project_digest`); empty: it is not compared.
        full: build and ask everything, whatever the fingerprints say.
    """

    settings: RunSettings
    manifest: Manifest
    dbt: DbtProcess
    seeds: Path
    digest: str = ""
    full: bool = False
    target: Path = field(init=False)
    built: list[NodeResult] = field(default_factory=list)
    checks: list[CheckResult] = field(default_factory=list)
    bound: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        # Where dbt compiles.
        self.target = self.settings.home / "dbt"

    @property
    def variables(self) -> dict[str, str]:
        """The vars that a run gives to dbt."""
        return {"as_of_date": self.settings.as_of_date or dbt_as_of_date()}

    def run(self) -> Calculated:
        """Build, copy and check.

        Raises CalculationError when a node could not be built or a data test failed, PublishError when the marts could not be
        copied, DbtError when dbt could not run at all.
        """
        self.target.mkdir(parents=True, exist_ok=True)
        (self.target / RUN_RESULTS).unlink(missing_ok=True)
        self.settings.begin_writing()
        found = self.fingerprints()
        due = self._due(found)
        self._build(due, found)
        passed = {} if self.full else published_nodes(self.settings.published, self.settings.published_key())
        asked = asked_tests(self.manifest, found, passed, full=self.full)
        compiled = self._compiled(asked.written, found)
        unchanged = [
            node["alias"]
            for name, node in self.manifest["nodes"].items()
            if name in found and node["resource_type"] == "model" and found[name].content == passed.get(name)
        ]

        def check(readable: ReadableWarehouse) -> None:
            self.checks += ask(readable, self.manifest, asked, compiled)
            if not all(one.is_good for one in self.checks):
                raise CalculationError

        try:
            candidate = prepare(
                warehouse=self.settings.warehouse,
                published=self.settings.published,
                key=self.settings.published_key(),
                unchanged=unchanged,
                config=limits(self.settings.home),
                check=check,
            )
        except CalculationError:
            self._explain_failures()
            raise CalculationError(f"{_count(self.checks)} data tests failed") from None
        finally:
            self._write_results()
        return Calculated(
            self.built,
            self.checks,
            found,
            self._to_publish(found, passed),
            candidate,
            len(self._buildable()) - len(due),
        )

    def run_some(self, names: Collection[str]) -> None:
        """Build the named nodes and run their tests, as requested by hand; nothing is published.

        Where all that they read is as it was in the last run, they are what they were, and people may go on. Where it is not,
        the warehouse is no longer what people see, and says of what and why (`RunSettings.unfinished_reason`).

        Raises CalculationError as `run` does.
        """
        self.target.mkdir(parents=True, exist_ok=True)
        (self.target / RUN_RESULTS).unlink(missing_ok=True)
        found = self.fingerprints()
        stale = self._stale_by(names, self._due(found))
        if stale and self.settings.unfinished_reason != "":
            self.settings.begin_writing(stale)
        self._build(names, found, to_remember=False)
        if not stale:
            with duckdb.connect(str(self.settings.warehouse)) as connection:
                remember(connection, {name: found[name] for name in names if name in found})
        asked = self._narrowed(
            asked_tests(self.manifest, found, {}, full=False),
            lambda parents: bool(set(names).intersection(parents)),
        )
        compiled = self._compiled(asked.written, found)
        self.checks += self._ask_aside(asked, compiled)
        failed = not all(one.is_good for one in self.checks)
        if failed:
            self._explain_failures()
        self._write_results()
        if failed:
            raise CalculationError(f"{_count(self.checks)} data tests failed")

    def _stale_by(self, names: Collection[str], due: Collection[str]) -> str:
        """Why the warehouse is not what people see once ``names`` are built by themselves; empty where it is."""
        behind = set(due)
        news = {name for named in names for name in self._read_by(named)} & behind
        if not news:
            return ""
        # Views between them are as they were.
        roots = [name for name in news if not (self._read_by(name) - {name}) & behind]
        rest = behind.difference(names)
        left = f"; stale are {_listed(rest)}" if rest else ""
        return (
            f"{_listed(names)} {'was' if len(names) == 1 else 'were'} materialised without the rest after inputs had changed "
            f"since the last run ({_listed(roots)}), so the warehouse is not what people see{left}. The asset published_marts "
            "refreshes all of it"
        )

    def build(self, wanted: Collection[str] | None = None) -> None:
        """Build what has changed; nothing is asked, copied or published.

        Args:
            wanted: names of models: of the rest only what they read is built; None builds all.

        Raises CalculationError when a node could not be built; what was built, and what was not, is in ``built``.
        """
        self.target.mkdir(parents=True, exist_ok=True)
        found = self.fingerprints()
        due = self._due(found)
        if wanted is not None:
            names = {node["name"]: name for name, node in self.manifest["nodes"].items()}
            read = set().union(*(self._read_by(names[model]) for model in wanted))
            due = [name for name in due if name in read]
        self._build(due, found, to_ask=False)

    def fingerprints(self) -> dict[str, Fingerprint]:
        """Today's fingerprints of everything."""
        with duckdb.connect(str(self.settings.warehouse)) as connection:
            landed = raw_fingerprints(connection)
        shared = {**self.variables, **project_settings(self.dbt.project)}
        return fingerprints(self.manifest, seeds=self.seeds, landed=landed, variables=shared)

    def _bound(self, known: Mapping[str, Known], found: Mapping[str, Fingerprint]) -> list[str]:
        """The models whose columns dbt has compared with their contract before, in SQL that is the same over the same columns."""
        return [
            name.rsplit(".", 1)[-1]
            for name, fingerprint in found.items()
            if name.startswith("model.")
            and (
                (name, fingerprint.definition) in self.dbt.compared
                or (name in known and known[name].definition == fingerprint.definition)
            )
        ]

    def _relation(self, name: str) -> tuple[str, str]:
        node = self.manifest["nodes"][name]
        return node["schema"], node["alias"]

    def _buildable(self) -> set[str]:
        return {
            name
            for name, node in self.manifest["nodes"].items()
            if node["resource_type"] in ("seed", "model")
        }

    def build_for(self, model: str) -> int:
        """Build what has changed of one model and of all that it reads; returns how many nodes that were.

        No data test is asked. Raises CalculationError as `run` does.
        """
        self.target.mkdir(parents=True, exist_ok=True)
        found = self.fingerprints()
        due = set(self._due(found)).intersection(self._read_by(model))
        self._build(due, found)
        return len(due)

    def _read_by(self, model: str) -> set[str]:
        nodes, found, waiting = self.manifest["nodes"], set(), [model]
        while waiting:
            name = waiting.pop()
            if name in nodes and name not in found:
                found.add(name)
                waiting += nodes[name]["depends_on"].get("nodes", [])
        return found

    def _due(self, found: Mapping[str, Fingerprint]) -> list[str]:
        """The seeds and models to build: new, changed, or gone from the warehouse."""
        with duckdb.connect(str(self.settings.warehouse)) as connection:
            known = {} if self.full else read_state(connection)
            if not known:
                forget(connection, None)
            self.bound = self._bound(known, found)
            there = {
                (schema, name)
                for schema, name in connection.execute(
                    "select table_schema, table_name from information_schema.tables where table_catalog = current_database()"
                ).fetchall()
            }
        buildable = self._buildable()
        return [
            name
            for name, node in self.manifest["nodes"].items()
            if name in buildable
            and (
                name not in known
                or known[name].built != found[name].built
                or (node["schema"], node["alias"]) not in there
            )
        ]

    def _build(
        self,
        due: Collection[str],
        found: Mapping[str, Fingerprint],
        *,
        to_remember: bool = True,
        to_ask: bool = True,
    ) -> None:
        if not due:
            return
        ready(self.dbt, seeds=self.seeds)
        if self.digest and self.digest != project_digest(self.dbt.project):
            # Built would be other SQL than the one that the fingerprints are of.
            raise CalculationError("the dbt project was edited while the run began; run again")
        with duckdb.connect(str(self.settings.warehouse)) as connection:
            forget(connection, due)
        if to_remember:
            # Their old rows are of no use to anybody: readers have the published file.
            drop_models(
                self.settings.warehouse, [self._relation(name) for name in due if not found[name].is_view]
            )
        chosen = (
            [] if set(due) == self._buildable() else ["--select", *(name.rsplit(".", 1)[-1] for name in due)]
        )
        result = self._dbt([*BUILD, *chosen, "--indirect-selection", "empty"])
        self.built += [node for node in result.nodes if node.unique_id in found]
        self.dbt.compared.update(
            (node.unique_id, found[node.unique_id].definition) for node in self.built if node.is_good
        )
        if result.is_good:
            with duckdb.connect(str(self.settings.warehouse)) as connection:
                sources = [name for name in found if name.startswith("source.")]
                remember(connection, {name: found[name] for name in (*due, *sources)} if to_remember else {})
            return
        self._write_results()
        if not result.nodes:
            raise CalculationError(result.error)
        if to_ask:
            self._ask_around_failures(due, found)
            self._write_results()
        failed = sum(not node.is_good for node in self.built if node.status != "skipped")
        raise CalculationError(f"{failed} nodes could not be built")

    def _dbt(self, arguments: Sequence[str], *, compiled: bool = False) -> BuildResult:
        return self.dbt.run(
            arguments,
            warehouse=self.settings.warehouse,
            home=self.settings.home,
            target=self.target,
            seeds=self.seeds,
            as_of_date=self.variables["as_of_date"],
            bound=self.bound,
            compiled=compiled,
        )

    def _ask_around_failures(self, due: Collection[str], found: Mapping[str, Fingerprint]) -> None:
        """Ask the tests that read nothing of what could not be built: the input of the failed node may be what is wrong."""
        bad = set(due) - {node.unique_id for node in self.built if node.is_good}
        passed = published_nodes(self.settings.published, self.settings.published_key())
        asked = self._narrowed(
            asked_tests(self.manifest, found, passed, full=False),
            lambda parents: not any(bad.intersection(self._read_by(parent)) for parent in parents),
        )
        try:
            compiled = self._compiled(asked.written, found)
            self.checks += self._ask_aside(asked, compiled)
        except (CalculationError, duckdb.Error):
            return
        if not all(one.is_good for one in self.checks):
            self._explain_failures()

    def _narrowed(self, asked: Asked, is_meant: Callable[[Collection[str]], bool]) -> Asked:
        """Those of the tests and views whose parents are meant."""

        def meant(name: str) -> bool:
            parents = self.manifest["nodes"][name]["depends_on"].get("nodes", [])
            return is_meant([name] if name.startswith("model.") else parents)

        generic = {
            relation: [test for test in tests if meant(test)] for relation, tests in asked.generic.items()
        }
        return Asked(
            {relation: tests for relation, tests in generic.items() if tests},
            [test for test in asked.written if meant(test)],
            [view for view in asked.views if meant(view)],
        )

    def _ask_aside(self, asked: Asked, compiled: Mapping[str, str]) -> list[CheckResult]:
        """Ask of the warehouse as it is, without copies of marts."""
        aside = self.target / f"aside.{os.getpid()}.duckdb"
        try:
            with ReadableWarehouse(self.settings.warehouse, aside) as readable:
                return ask(readable, self.manifest, asked, compiled)
        finally:
            aside.unlink(missing_ok=True)
            Path(f"{aside}.wal").unlink(missing_ok=True)

    def _compiled(self, tests: Sequence[str], found: Mapping[str, Fingerprint]) -> dict[str, str]:
        """The SQL of tests as dbt writes it; kept, because it changes only with their definitions."""
        path = self.target / TESTS
        try:
            kept: dict[str, list[str]] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            kept = {}
        wanted = [test for test in tests if kept.get(test, [""])[0] != found[test].definition]
        if wanted:
            result = self._compile(wanted)
            for node in result.nodes:
                if node.compiled:
                    kept[node.unique_id] = [found[node.unique_id].definition, node.compiled]
            written = path.with_suffix(f".{os.getpid()}.tmp")
            written.write_text(json.dumps(kept), encoding="utf-8")
            written.replace(path)
        return {test: kept[test][1] for test in tests if test in kept}

    def _compile(self, tests: Sequence[str]) -> BuildResult:
        ready(self.dbt, seeds=self.seeds)
        names = [self.manifest["nodes"][test]["name"] for test in tests]
        result = self._dbt(["compile", "--select", *names], compiled=True)
        if not result.is_good:
            said = result.error or "; ".join(node.message for node in result.nodes if not node.is_good)
            raise CalculationError(f"data tests could not be compiled: {said}")
        # dbt notes its invocations when it builds only, so nothing has to be recorded again.
        return result

    def _explain_failures(self) -> None:
        """Have dbt write the queries of failed tests, which the message names."""
        failed = [
            one.unique_id for one in self.checks if not one.is_good and one.unique_id.startswith("test.")
        ]
        if failed:
            try:
                self._compile(failed)
            except CalculationError:
                return

    def _write_results(self) -> None:
        """What was done, in the form of dbt's run_results.json: failures and seconds per layer are read from it."""
        nodes = [
            {
                "unique_id": node.unique_id,
                "status": node.status,
                "message": node.message,
                "failures": node.failures,
                "execution_time": node.seconds,
            }
            for node in self.built
        ]
        tests = [
            {
                "unique_id": one.unique_id,
                "status": one.status if one.unique_id.startswith("test.") and not one.error else "error",
                "message": one.error or f"{one.failing_rows} rows lack a value that its contract requires",
                "failures": one.failing_rows,
                "execution_time": 0.0,
            }
            for one in self.checks
            if one.unique_id.startswith("test.") or not one.is_good
        ]
        text = json.dumps({"results": [*nodes, *tests]})
        (self.target / RUN_RESULTS).write_text(text, encoding="utf-8")

    def _to_publish(self, found: Mapping[str, Fingerprint], passed: Mapping[str, str]) -> dict[str, str]:
        """What needs not be copied or asked again. A test that only warned is asked again every time."""
        asked = {one.unique_id: one.status for one in self.checks}
        # Of seeds the bytes: who simulates or previews compares the files with them.
        seeds = {
            name: file_hash(self.seeds / self.manifest["nodes"][name]["path"])
            for name in found
            if name.startswith("seed.")
        }
        return seeds | {
            name: fingerprint.content
            for name, fingerprint in found.items()
            if name.startswith("model.")
            or asked.get(name) == PASS
            or (name not in asked and name.startswith("test.") and passed.get(name) == fingerprint.content)
        }


def project_settings(project: Path) -> dict[str, str]:
    """What all nodes depend on beside macros: the vars and settings of the project, and what calculates."""
    files = {name: file_hash(project / name) for name in ("dbt_project.yml", "profiles.yml")}
    return files | {package: version(package) for package in PACKAGES}


def _listed(names: Collection[str]) -> str:
    """The first names in words, without the project's prefix."""
    short = sorted(name.rsplit(".", 1)[-1] for name in names)
    rest = len(short) - NAMES_SHOWN
    return ", ".join(short[:NAMES_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _count(checks: Sequence[CheckResult]) -> int:
    return sum(not one.is_good for one in checks)
