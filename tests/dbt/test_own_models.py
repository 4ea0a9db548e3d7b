"""A company's own model is paid without a change of the core; one that would have no effect is refused, with the fix."""

import re
import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from orchestration.plans.situations.build import BuildError, calculate

ROOT = Path(__file__).resolve().parents[2]
COLUMNS = {
    "plan_id": "varchar",
    "payee_id": "varchar",
    "reward_id": "varchar",
    "transaction_id": "varchar",
    "reward_date": "date",
    "reward_amount": "decimal(28, 10)",
}
SPOT_AWARD = """-- Pays José Saraiva 123.456 USD on the last day of May 2013.
-- Grain: one row per reward. Rule: docs/extending.md
select
  'reseller'::varchar as plan_id,
  '282'::varchar as payee_id,
  'spot_award'::varchar as reward_id,
  null::varchar as transaction_id,
  '2013-05-31'::date as reward_date,
  123.456::decimal(28, 10) as reward_amount
"""


def described(name: str, columns: dict[str, str]) -> str:
    """The YAML of an own model."""
    listed = "".join(
        f'      - {{name: {column}, data_type: "{kind}", description: "{column}"}}\n'
        for column, kind in columns.items()
    )
    return f'version: 2\n\nmodels:\n  - name: {name}\n    description: "Grain: one row per reward."\n    columns:\n{listed}'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the dbt project."""
    copied = tmp_path / "project" / "dbt_project"
    shutil.copytree(ROOT / "dbt_project", copied, ignore=shutil.ignore_patterns("target", "logs", "*.duckdb"))
    return copied


def add(project: Path, sql: str, columns: dict[str, str], rewards: str) -> None:
    """Write the own model `own_spot_awards`, and the list of the own models of the stage rewards."""
    own = project / "models" / "own"
    (own / "own_spot_awards.sql").write_text(sql)
    (own / "_spot__models.yml").write_text(described("own_spot_awards", columns))
    settings = project / "dbt_project.yml"
    text = settings.read_text()
    changed = re.sub(r"(?m)^    rewards: \[own_new_account_premiums\]$", f"    {rewards}", text)
    assert changed != text or rewards == "rewards: [own_new_account_premiums]"
    settings.write_text(changed)


def build(project: Path, home: Path, sample_warehouse: Path, as_of: date, *select: str) -> Path:
    """Build models over a copy of the calculated sample company."""
    home.mkdir()
    shutil.copy(sample_warehouse, home / "warehouse.duckdb")
    calculate(home, ROOT / "seeds", as_of, project, command=("run", "--select", *select))
    return home / "warehouse.duckdb"


def test_an_own_model_is_paid(
    project: Path, tmp_path: Path, sample_warehouse: Path, sample_as_of: date
) -> None:
    add(project, SPOT_AWARD, COLUMNS, "rewards: [own_new_account_premiums, own_spot_awards]")
    built = build(project, tmp_path / "home", sample_warehouse, sample_as_of, "own_spot_awards+")
    paid = """
        select sum(payout_amount) from marts.fct_payouts
        where plan_id = 'reseller' and payee_id = '282' and period_code = '2013-05'
    """
    with duckdb.connect(str(sample_warehouse), read_only=True) as connection:
        (before,) = connection.execute(paid).fetchall()
    with duckdb.connect(str(built), read_only=True) as connection:
        (after,) = connection.execute(paid).fetchall()
        premiums = connection.execute(
            "select count(*) from intermediate.custom_rewards where reward_id like 'new_account|%'"
        ).fetchall()
    # Rounded to the cent once, like every other reward.
    assert after[0] - before[0] == Decimal("123.46")
    assert premiums == [(428,)], "the sample company's own model is read beside it"


@pytest.mark.parametrize(
    ("columns", "rewards", "message"),
    [
        (
            COLUMNS,
            "rewards: [own_new_account_premiums]",
            "models/own/own_spot_awards.sql: no model reads it, so its rows would have no effect. Name it in vars.own_models",
        ),
        (
            COLUMNS,
            "reward: [own_spot_awards, own_new_account_premiums]",
            "vars.own_models: there is no stage 'reward'. Use one of filtering, valuation, crediting, attainment, rewards.",
        ),
        (
            {name: kind for name, kind in COLUMNS.items() if name != "reward_date"},
            "rewards: [own_new_account_premiums, own_spot_awards]",
            "models/own/own_spot_awards.sql: no column reward_date. Own models of the stage rewards have the columns plan_id,",
        ),
    ],
    ids=["nothing_reads_it", "unknown_stage", "missing_column"],
)
def test_an_own_model_without_effect_is_refused(
    project: Path,
    tmp_path: Path,
    sample_warehouse: Path,
    sample_as_of: date,
    columns: dict[str, str],
    rewards: str,
    message: str,
) -> None:
    add(project, SPOT_AWARD, columns, rewards)
    with pytest.raises(BuildError) as refused:
        build(project, tmp_path / "home", sample_warehouse, sample_as_of, "custom_filtering")
    assert message in " ".join(str(refused.value).split())
