"""A seed is loaded as it is written."""

from datetime import date
from pathlib import Path

import duckdb

from orchestration.plans.situations.build import calculate, write_seeds

ROOT = Path(__file__).resolve().parents[2]


def test_single_quotes_of_an_expression_stay_where_no_cell_is_in_double_quotes(tmp_path: Path) -> None:
    write_seeds({}, tmp_path / "seeds", ROOT / "seeds")
    rules = tmp_path / "seeds" / "crediting" / "credit_rules.csv"
    header = rules.read_text().strip().split(",")
    cells = {"rule_id": "house", "plan_id": "plan", "payee_expression": "'275'", "valid_from": "2024-01-01"}
    rules.write_text(f"{','.join(header)}\n{','.join(cells.get(name, '') for name in header)}\n")
    select = ["seed", "--select", "credit_rules"]
    calculate(tmp_path, tmp_path / "seeds", date(2024, 1, 1), ROOT / "dbt_project", command=select)
    with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as connection:
        found = connection.execute("select rule_id, payee_expression from seeds.credit_rules").fetchall()
    assert found == [("house", "'275'")]
