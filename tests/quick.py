"""The edit loop, in a minute: lint of the changed files, unit tests of the changed models, all situations in one build.

`make quick`. Changed is what differs from the last commit, and what git does not know yet. Whatever it passes, `make test` decides.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from orchestration.calculation.dbt_process import DbtError, current
from orchestration.calculation.manifest import ensure_manifest, read_manifest, ready
from orchestration.plans.situations.__main__ import main as run_situations
from orchestration.warehouse.settings import RunSettings, shown

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
# As DuckDB and dbt say that a table or column is not there; unit tests take the columns of what they read from the warehouse.
ABSENT = re.compile(r"does not exist|not found in FROM|does not have a column|Invalid column name")
BUILT_BEFORE = (
    "{warehouse} was built before the edits and lacks what these unit tests read. Run `make run` first, or delete the file: "
    "empty tables are built then."
)
SITUATIONS = ROOT / "tests" / "calculation" / "situations"


def changed_files() -> list[str]:
    """Files that differ from the last commit, and new ones, relative to the project; deleted ones are left out."""
    listed = []
    for arguments in (["diff", "--name-only", "HEAD"], ["ls-files", "--others", "--exclude-standard"]):
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
        listed += done.stdout.splitlines()
    return sorted(name for name in set(listed) if (ROOT / name).exists())


def lint(files: Sequence[str]) -> bool:
    """Check the style of the changed Python and SQL."""
    python = [name for name in files if name.endswith(".py")]
    sql = [name for name in files if name.endswith(".sql") and "/macros/" not in name]
    commands = (
        [[BIN / "ruff", "check", *python], [BIN / "ruff", "format", "--check", *python]] if python else []
    )
    commands += [[BIN / "sqlfluff", "lint", *sql]] if sql else []
    return all([subprocess.run(command, cwd=ROOT, check=False).returncode == 0 for command in commands])


def changed_models(files: Sequence[str]) -> list[str]:
    """The models whose SQL, description or unit tests changed."""
    models = {
        Path(name).stem for name in files if name.startswith("dbt_project/models/") and name.endswith(".sql")
    }
    for name in files:
        if name.startswith("dbt_project/models/") and name.endswith(".yml"):
            models |= {path.stem for path in (ROOT / name).parent.glob("*.sql")}
    return sorted(models)


def unit_tests(models: Sequence[str]) -> bool:
    """Run dbt's unit tests of the models, over a copy of the calculated warehouse, or over empty tables."""
    if not models:
        print("no changed models, so no unit tests")
        return True
    dbt = current()
    ensure_manifest()
    expected = [test["model"] for test in read_manifest()["unit_tests"].values() if test["model"] in models]
    if not expected:
        print(f"no unit tests of {len(models)} changed models")
        return True
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        warehouse = RunSettings.from_env().warehouse
        ready(dbt)
        if warehouse.exists():
            shutil.copyfile(warehouse, home / "warehouse.duckdb")
        else:
            dbt.run(
                ["build", "--empty", "--exclude-resource-type", "test", "unit_test"],
                warehouse=home / "warehouse.duckdb",
                home=home,
                target=home / "target",
            )
        done = dbt.run(
            ["test", "--select", *(f"{model},test_type:unit" for model in sorted(set(expected)))],
            warehouse=home / "warehouse.duckdb",
            home=home,
            target=home / "target",
        )
    ran = [node for node in done.nodes if node.unique_id.startswith("unit_test.")]
    for node in done.nodes:
        if not node.is_good:
            print(f"FAILED {node.unique_id}\n{node.message}")
    if warehouse.exists() and any(ABSENT.search(node.message) for node in done.nodes if not node.is_good):
        print(BUILT_BEFORE.format(warehouse=shown(warehouse)))
    print(
        f"{len(expected)} unit tests of {len(models)} changed models, {sum(node.is_good for node in ran)} passed"
    )
    if done.error:
        print(done.error)
    return done.is_good and len(ran) == len(expected)


def main() -> int:
    """Run all three; returns the exit code."""
    started = time.monotonic()
    files = changed_files()
    print(f"{len(files)} changed files")
    try:
        passed = [lint(files), unit_tests(changed_models(files)), run_situations([str(SITUATIONS)]) == 0]
    except DbtError as error:
        print(error)
        passed = [False]
    word = "passed" if all(passed) else "FAILED"
    print(f"{word} in {time.monotonic() - started:.0f} s")
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
