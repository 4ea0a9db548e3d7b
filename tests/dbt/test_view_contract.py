"""A view is made and then compared with its contract: where they differ, the build fails and the view stays as it was."""

import shutil
import subprocess
from pathlib import Path

import duckdb

from orchestration.calculation.manifest import dbt_executable

SQL = Path(__file__).resolve().parents[2] / "dbt_project"
TAKEN = (
    "macros/get_assert_columns_equivalent.sql",
    "macros/none_of_columns.sql",
    "materializations/view.sql",
)
PROJECT = """
name: commissions
profile: commissions
macro-paths: [macros, materializations]
models: {+materialized: view, +contract: {enforced: true}}
vars: {as_type: 'decimal(18, 4)'}
"""
PROFILE = "commissions: {target: a, outputs: {a: {type: duckdb, path: warehouse.duckdb, schema: marts}}}"
MODEL = """select 'ana' as payee_id, 12.5::{{ var('as_type') }} as "Paid Amount", null::date as paid_on"""
COLUMNS = """
models:
  - name: pay
    columns:
      - {name: payee_id, data_type: varchar}
      - {name: Paid Amount, quote: true, data_type: 'decimal(18, 4)'}
      - {name: paid_on, data_type: date}
"""


def run(folder: Path, variables: str = "{}") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [dbt_executable(), "--no-use-colors", "run", "--profiles-dir", ".", "--vars", variables],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def columns(folder: Path) -> list[tuple[str, str]]:
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as connection:
        return connection.execute(
            "select column_name, data_type from duckdb_columns() where table_name = 'pay' order by column_index"
        ).fetchall()


def test_a_view_that_breaks_its_contract_is_not_made(tmp_path: Path) -> None:
    for name in TAKEN:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(SQL / name, tmp_path / name)
    (tmp_path / "models").mkdir()
    (tmp_path / "dbt_project.yml").write_text(PROJECT)
    (tmp_path / "profiles.yml").write_text(PROFILE)
    (tmp_path / "models" / "pay.sql").write_text(MODEL)
    (tmp_path / "models" / "pay.yml").write_text(COLUMNS)
    right = [("payee_id", "VARCHAR"), ("Paid Amount", "DECIMAL(18,4)"), ("paid_on", "DATE")]

    done = run(tmp_path)
    assert done.returncode == 0, done.stdout
    assert columns(tmp_path) == right

    done = run(tmp_path, "{as_type: 'decimal(19, 4)'}")
    assert done.returncode == 1
    assert "| Paid Amount | DECIMAL(19,4)   | DECIMAL(18,4) | data type mismatch |" in done.stdout
    assert columns(tmp_path) == right
