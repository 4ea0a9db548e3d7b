"""dbt's own unit and data tests pass on the sample company, and there are some."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_dbt_builds_and_passes_all_its_tests(sample_warehouse: Path, tmp_path: Path) -> None:
    shutil.copy(sample_warehouse, tmp_path / "warehouse.duckdb")
    env = {**os.environ, "COMMISSIONS_HOME": str(tmp_path), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    env.pop("COMMISSIONS_WAREHOUSE", None)
    target = tmp_path / "target"
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "dbt"),
            "build",
            "--target-path",
            str(target),
            "--log-path",
            str(tmp_path),
        ],
        cwd=ROOT / "dbt_project",
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    results = json.loads((target / "run_results.json").read_text())["results"]
    kinds = [result["unique_id"].split(".")[0] for result in results]
    # Exposures are not built.
    done_by_kind = {(kind, result["status"]) for kind, result in zip(kinds, results, strict=True)}
    assert {status for kind, status in done_by_kind if kind != "exposure"} <= {"success", "pass"}
    assert kinds.count("unit_test") > 50
    assert kinds.count("test") > 200
