"""The one dbt process of this process: started early, asked to parse and to build, ended with this process.

dbt is a child, not a part of this process: it starts while Dagster starts, on another core, and the warehouse file is free
again when it has answered.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from orchestration.warehouse.machine_limits import MEMORY_VARIABLE, memory_limit
from orchestration.warehouse.settings import DBT_PROJECT_DIR, TELEMETRY_OFF, linked_seeds

BUNDLED_SEEDS = (DBT_PROJECT_DIR.parent / "seeds").resolve()
# As dbt_project.yml names the bundled folder.
BUNDLED = "../seeds"
Vars = Mapping[str, object]
# Called with the id, the status and the seconds of a node as dbt finishes it.
Tell = Callable[[str, str, float], None]


class DbtError(Exception):
    """dbt could not do what it was asked; the message is dbt's own."""


@dataclass(frozen=True)
class NodeResult:
    """What dbt did with one node. ``seconds`` are dbt's own; ``compiled`` is its SQL where it was asked for."""

    unique_id: str
    status: str
    message: str
    failures: int | None
    seconds: float
    compiled: str | None = None

    @property
    def is_good(self) -> bool:
        """Whether the node was built, or its test passed or only warned."""
        return self.status in ("success", "pass", "warn", "no-op")


@dataclass(frozen=True)
class BuildResult:
    """The nodes that dbt ran, and whether all of them are good. ``error``: what stopped dbt as a whole, else empty."""

    is_good: bool
    nodes: tuple[NodeResult, ...]
    error: str = ""


class DbtProcess:
    """A living dbt. Its methods block; one request runs at a time. `listeners` hear of each node that it builds.

    Args:
        project: folder of the dbt project.
    """

    def __init__(self, project: Path = DBT_PROJECT_DIR) -> None:
        self.project = project
        self.listeners: list[Tell] = []
        # Models that it has built, with the definition under which their columns met their contract.
        self.compared: set[tuple[str, str]] = set()
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.RLock()
        self._log: IO[str] | None = None
        self._parsed: dict[str, str] = {}

    def start(self) -> None:
        """Start the process when there is none. Returns at once: dbt is imported meanwhile."""
        if self._is_alive():
            return
        with self._lock:
            if self._is_alive():
                return
            self._parsed.clear()
            self._log = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - closed in stop()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "orchestration.calculation.worker", str(self.project)],
                cwd=DBT_PROJECT_DIR.parent,
                env={**os.environ, **TELEMETRY_OFF, "PYTHONPATH": _python_path()},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                text=True,
                encoding="utf-8",
            )

    def stop(self) -> None:
        """End the process, if there is one."""
        with self._lock:
            if self._process is not None:
                self._process.kill()
                self._process.wait()
                for stream in (self._process.stdin, self._process.stdout, self._log):
                    if stream is not None:
                        stream.close()
                self._process = None

    def has_parsed(self, digest: str, variables: Vars | None = None) -> bool:
        """Whether this process has parsed the project of that ``digest`` with these vars."""
        return self._is_alive() and self._parsed.get(_key(variables)) == digest

    def parse(
        self,
        target: Path,
        digest: str,
        *,
        seeds: Path = BUNDLED_SEEDS,
        variables: Vars | None = None,
        write_json: bool = False,
    ) -> None:
        """Have the project parsed; nothing is done where this process has parsed the same ``digest`` before.

        Args:
            target: folder of the partial parse, which is read and written.
            digest: of the files of the project.
            seeds: the folder whose property files describe the seeds; the rows of any folder like it can be built.
            variables: vars that decide what the project consists of; no as_of_date.
            write_json: write manifest.json into ``target`` too.

        Raises DbtError with dbt's message when the project does not parse.
        """
        key = _key(variables)
        is_own = self.project == DBT_PROJECT_DIR
        folder = BUNDLED if is_own and is_like_bundled(seeds) else linked_seeds(seeds, self.project)
        with self._lock:
            if self.has_parsed(digest, variables) and not write_json:
                return
            answer = self._ask(
                {
                    "command": "parse",
                    "key": key,
                    "project": str(self.project),
                    "target": str(target),
                    "vars": dict(variables or {}),
                    "json": write_json,
                    # What a parse depends on is the same for every home, so that one parse serves all.
                    "env": {"COMMISSIONS_SEEDS": folder, "COMMISSIONS_HOME": "home", MEMORY_VARIABLE: "50%"},
                }
            )
            if not answer["ok"]:
                raise DbtError(f"the dbt project does not parse:\n{answer['error']}")
            self._parsed[key] = digest

    def run(
        self,
        arguments: Sequence[str],
        *,
        warehouse: Path,
        home: Path,
        target: Path,
        seeds: Path = BUNDLED_SEEDS,
        variables: Vars | None = None,
        as_of_date: str | None = None,
        bound: Sequence[str] = (),
        compiled: bool = False,
    ) -> BuildResult:
        """Run one command of dbt (`build`, `compile` with its options) on a warehouse. The project must be parsed.

        Args:
            home: what COMMISSIONS_HOME is for dbt.
            target: folder for what dbt compiles and logs.
            seeds: folder of the CSV files.
            variables: those that `parse` was given.
            as_of_date: the last day that counts; None leaves it to dbt_project.yml.
            bound: models whose columns need not be compared with their contract again (macro assert_columns_equivalent).
            compiled: return the SQL of each node.
        """
        values = {**(variables or {}), **({"as_of_date": as_of_date} if as_of_date else {})}
        if bound:
            values["bound_models"] = list(bound)
        answer = self._ask(
            {
                "command": "build",
                "key": _key(variables),
                "project": str(self.project),
                "target": str(target),
                "arguments": list(arguments),
                "warehouse": str(warehouse),
                "seeds": self._seen(seeds),
                "vars": values,
                "env": {"COMMISSIONS_HOME": str(home), MEMORY_VARIABLE: memory_limit()},
                "compiled": compiled,
            }
        )
        nodes = tuple(
            NodeResult(
                node["unique_id"],
                node["status"],
                node["message"] or "",
                node["failures"],
                float(node["execution_time"] or 0),
                node["compiled_code"],
            )
            for node in answer.get("results", ())
        )
        return BuildResult(bool(answer["ok"]), nodes, str(answer["error"]))

    def _seen(self, seeds: Path) -> str:
        """A folder of seeds as seen from the project."""
        if self.project == DBT_PROJECT_DIR and seeds.resolve() == BUNDLED_SEEDS:
            return BUNDLED
        return linked_seeds(seeds, self.project)

    def _is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        with self._lock:
            self.start()
            process = self._process
            assert process is not None and process.stdin is not None and process.stdout is not None
            try:
                process.stdin.write(json.dumps(request) + "\n")
                process.stdin.flush()
                for line in process.stdout:
                    answer: dict[str, Any] = json.loads(line)
                    if answer.get("done"):
                        return answer
                    for tell in self.listeners:
                        tell(answer["node"], answer["status"], float(answer["seconds"]))
            except BrokenPipeError:
                pass
            process.wait()
            raise DbtError(
                f"dbt ended before it had answered (exit code {process.returncode}). {self._last_words()}"
            )

    def _last_words(self) -> str:
        if self._log is None:
            return ""
        self._log.seek(0)
        return self._log.read()[-2000:].strip()


def _key(variables: Vars | None) -> str:
    return json.dumps(variables or {}, sort_keys=True)


def _python_path() -> str:
    root = str(DBT_PROJECT_DIR.parent)
    return os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])


def is_like_bundled(seeds: Path) -> bool:
    """Whether a folder has the same seeds as the bundled one, described alike; their rows may differ."""
    return seeds.resolve() == BUNDLED_SEEDS or seeds_layout(seeds) == seeds_layout(BUNDLED_SEEDS)


def seeds_layout(folder: Path) -> dict[str, str]:
    """What a parse sees of a folder of seeds: the names of its CSV files, the text of its property files."""
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".csv", ".yml", ".yaml"))
    return {
        str(path.relative_to(folder)): "" if path.suffix == ".csv" else path.read_text(encoding="utf-8")
        for path in files
    }


_CURRENT: DbtProcess | None = None


def current() -> DbtProcess:
    """The dbt process of this process; made, but not started, where there is none yet."""
    global _CURRENT
    if _CURRENT is None:
        _CURRENT = DbtProcess()
        atexit.register(_CURRENT.stop)
    return _CURRENT


def after_fork() -> None:
    """A forked child must not talk to the process of its parent."""
    global _CURRENT
    _CURRENT = None


os.register_at_fork(after_in_child=after_fork)
