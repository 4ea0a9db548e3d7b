"""The project's side of the benchmark: dbt over the same raw tables, in processes of its own, with its memory."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.company import LAST_DAY

ROOT = Path(__file__).resolve().parents[1]
STAGES = (
    "staging",
    "parameters",
    "00_pool",
    "01_filtering",
    "02_valuation",
    "03_crediting",
    "04_attainment",
    "05_rewards",
    "06_ledger",
    "marts",
)
_PAGE = os.sysconf("SC_PAGE_SIZE")


class BenchmarkError(Exception):
    """A command of the benchmark failed, or the two sides do not agree."""


@dataclass
class Cost:
    """What a command took.

    Attributes:
        seconds: wall time.
        cpu_seconds: time on all cores, of the command and its children.
        peak_bytes: largest resident memory of the command and its children together; 0 where /proc is absent.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int


@dataclass
class DbtRun:
    """One `dbt run`: its cost, the execution seconds of each stage and of each model."""

    cost: Cost
    stages: dict[str, float] = field(default_factory=dict)
    models: dict[str, float] = field(default_factory=dict)


def _resident(pid: int) -> int:
    """Resident bytes of a process and its descendants, from /proc."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        children = [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except (OSError, IndexError):
        return 0
    return pages * _PAGE + sum(_resident(child) for child in children)


def measured(
    command: list[str], environment: dict[str, str] | None = None, folder: Path = ROOT
) -> tuple[Cost, str]:
    """Run a command; returns its cost and its output. Raises BenchmarkError with the output when it fails."""
    before = os.times()
    started = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    peak = 0
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.05):
            peak = max(peak, _resident(process.pid))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    output, _ = process.communicate()
    done.set()
    watcher.join()
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    if process.returncode:
        raise BenchmarkError(f"{' '.join(command)} failed:\n{output[-4000:]}")
    return Cost(time.perf_counter() - started, cpu, peak), output


class Project:
    """A copy of the dbt project with its own home, so that edits to the repository do not reach a measurement."""

    def __init__(self, home: Path, sql: Path, seeds: Path) -> None:
        self.home, self.seeds = home, seeds
        self.sql = home / "dbt_project"
        shutil.rmtree(self.sql, ignore_errors=True)
        shutil.copytree(sql, self.sql, ignore=shutil.ignore_patterns("target", "logs"))

    @property
    def warehouse(self) -> Path:
        """The warehouse file."""
        return self.home / "warehouse.duckdb"

    def dbt(self, *arguments: str) -> Cost:
        """Run one dbt command over the warehouse."""
        # Relative, because dbt writes what it ran to target/run/<path of the seed>: an absolute path would be the seed.
        seeds = os.path.relpath(self.seeds, self.sql)
        environment = os.environ | {
            "COMMISSIONS_HOME": str(self.home),
            "COMMISSIONS_WAREHOUSE": str(self.warehouse),
            "COMMISSIONS_SEEDS": seeds,
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "DO_NOT_TRACK": "1",
        }
        command = [
            str(Path(sys.executable).with_name("dbt")),
            "--quiet",
            "--log-path",
            str(self.home / "logs"),
        ]
        command += [*arguments, "--target-path", str(self.home / "target")]
        command += ["--profiles-dir", str(self.sql), "--vars", json.dumps({"as_of_date": LAST_DAY})]
        cost, _ = measured(command, environment, self.sql)
        return cost

    def publish(self) -> Cost:
        """Publish the marts, most of which are views that are calculated now."""
        code = (
            "import sys; from pathlib import Path; from orchestration.warehouse.publish import publish; "
            "publish(warehouse=Path(sys.argv[1]), published=Path(sys.argv[2]))"
        )
        published = self.home / "published" / "marts.duckdb"
        published.unlink(missing_ok=True)
        cost, _ = measured([sys.executable, "-c", code, str(self.warehouse), str(published)])
        return cost

    def run(self) -> DbtRun:
        """Run all models."""
        run = DbtRun(self.dbt("run"))
        results = json.loads((self.home / "target" / "run_results.json").read_text(encoding="utf-8"))
        nodes = json.loads((self.home / "target" / "manifest.json").read_text(encoding="utf-8"))["nodes"]
        run.stages = dict.fromkeys(STAGES, 0.0)
        for result in results["results"]:
            node = nodes.get(result["unique_id"])
            if node is None or node["resource_type"] != "model":
                continue
            folders = node["original_file_path"].split("/")
            stage = next((name for name in STAGES if name in folders), folders[1])
            run.models[node["name"]] = result["execution_time"]
            run.stages[stage] = run.stages.get(stage, 0.0) + result["execution_time"]
        return run
