"""dbt's own unit and data tests pass on the sample company, and there are some."""

import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.calculation.dbt_process import current
from orchestration.calculation.manifest import ensure_manifest, read_manifest
from orchestration.calculation.step import Calculation
from orchestration.warehouse.settings import RunSettings
from tests.support.parses import run_dbt

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def home(sample_warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sample company."""
    folder = tmp_path_factory.mktemp("home")
    shutil.copy(sample_warehouse, folder / "warehouse.duckdb")
    return folder


def test_all_unit_tests_pass(home: Path) -> None:
    done = run_dbt(home, "test", "--select", "test_type:unit")
    assert [node.message for node in done.nodes if not node.is_good] == []
    assert done.is_good and len(done.nodes) > 200


def test_all_data_tests_pass_as_a_run_asks_them(home: Path, sample_as_of: date) -> None:
    """That a run finds what dbt finds is shown on broken data: test_checks_asked.py."""
    ensure_manifest()
    settings = RunSettings(home, sample_as_of.isoformat())
    settings.published.parent.mkdir()
    calculation = Calculation(settings, read_manifest(), current(), ROOT / "seeds")
    done = calculation.run()
    assert len(done.checks) > 200 and all(check.is_good for check in done.checks)


def hashes(warehouse: Path) -> dict[str, Any]:
    """The rows of every table and view, whatever their order."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        listed = connection.execute(
            "select table_schema || '.' || table_name from information_schema.tables"
            " where table_schema in ('staging', 'intermediate', 'marts', 'seeds')"
        ).fetchall()
        return {
            name: connection.execute(f"select count(*), sum(hash(t)::hugeint) from {name} as t").fetchone()
            for (name,) in listed
        }


@pytest.mark.proof
def test_dbt_alone_builds_the_same_and_passes_everything(home: Path, tmp_path: Path) -> None:
    """What somebody types in the folder of the project."""
    before = hashes(home / "warehouse.duckdb")
    env = {**os.environ, "COMMISSIONS_HOME": str(home), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    env.pop("COMMISSIONS_WAREHOUSE", None)
    dbt = str(Path(sys.executable).parent / "dbt")
    done = subprocess.run(
        [dbt, "build", "--target-path", str(tmp_path / "target"), "--log-path", str(tmp_path)],
        cwd=ROOT / "dbt_project",
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    assert "ERROR=0" in done.stdout
    assert hashes(home / "warehouse.duckdb") == before and len(before) > 200
