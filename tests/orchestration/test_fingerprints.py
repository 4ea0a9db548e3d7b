"""What is built again after a change, and what is not: worked on a small graph, then on the project's own."""

import copy
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.calculation.fingerprints import Fingerprint, fingerprints
from orchestration.calculation.manifest import ensure_manifest, read_manifest
from orchestration.calculation.state import forget, read_state, remember
from orchestration.calculation.step import project_settings

ROOT = Path(__file__).resolve().parents[2]
SEEDS = ROOT / "seeds"


def node(
    kind: str,
    name: str,
    parents: list[str],
    *,
    sql: str = "",
    view: bool = False,
    macros: tuple[str, ...] = (),
) -> dict[str, Any]:
    return {
        "resource_type": kind,
        "name": name,
        "schema": "marts",
        "alias": name,
        "identifier": name,
        "path": f"{name}.csv",
        "raw_code": sql,
        "columns": {"id": {"data_type": "integer", "constraints": [{"type": "not_null"}]}},
        "constraints": [],
        "config": {"materialized": "view" if view else "table", "contract": {"enforced": kind == "model"}},
        "depends_on": {"nodes": parents, "macros": list(macros)},
    }


GRAPH: dict[str, Any] = {
    "sources": {"source.deals": {**node("source", "deals", []), "schema": "raw_crm"}},
    "macros": {
        "macro.round": {"package_name": "commissions", "name": "round", "macro_sql": "round(x)", "depends_on": {"macros": []}},
        "macro.rows": {"package_name": "commissions", "name": "rows", "macro_sql": "run_query(x)", "depends_on": {"macros": []}},
        "macro.rates": {"package_name": "commissions", "name": "rates", "macro_sql": "rows()", "depends_on": {"macros": ["macro.rows"]}},
    },
    "nodes": {
        "seed.rates": node("seed", "rates", []),
        "seed.roles": node("seed", "roles", []),
        "model.credits": node("model", "credits", ["source.deals"], sql="select 1"),
        "model.paid": node("model", "paid", ["model.credits", "seed.rates"], sql="select 2"),
        "model.shown": node("model", "shown", ["model.paid"], sql="select 3", view=True),
        "model.written": node("model", "written", ["seed.rates"], sql="{{ rates() }}", view=True, macros=("macro.rates",)),
        "model.asked": node("model", "asked", ["seed.roles"], sql="select 5"),
        "test.shown": node("test", "test_shown", ["model.shown"]),
    },
}  # fmt: skip


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    (tmp_path / "rates.csv").write_text("id\n1\n")
    (tmp_path / "roles.csv").write_text("id\n1\n")
    return tmp_path


def found(
    seeds: Path, graph: dict[str, Any] = GRAPH, deals: str = "a", as_of: str = "2013-06-30"
) -> dict[str, Fingerprint]:
    return fingerprints(
        graph, seeds=seeds, landed={("raw_crm", "deals"): deals}, variables={"as_of_date": as_of}
    )


def rebuilt(before: dict[str, Fingerprint], after: dict[str, Fingerprint]) -> set[str]:
    changed = {name for name in after if name not in before or before[name].built != after[name].built}
    return {name.partition(".")[2] for name in changed if not name.startswith("test.")}


def test_a_changed_seed_rebuilds_what_reads_it_and_views_only_where_their_sql_is_made_of_rows(
    seeds: Path,
) -> None:
    before = found(seeds)
    (seeds / "rates.csv").write_text("id\n2\n")
    after = found(seeds)
    assert rebuilt(before, after) == {"rates", "paid", "written"}
    # The test reads a view that shows other rows now.
    assert before["test.shown"].content != after["test.shown"].content
    assert before["model.shown"].content != after["model.shown"].content


def test_a_touched_file_rebuilds_nothing(seeds: Path) -> None:
    before = found(seeds)
    text = (seeds / "rates.csv").read_text()
    (seeds / "rates.csv").unlink()
    (seeds / "rates.csv").write_text(text)
    assert rebuilt(before, found(seeds)) == set()


def test_a_changed_landing_rebuilds_what_reads_it(seeds: Path) -> None:
    before, after = found(seeds, deals="columns-1"), found(seeds, deals="columns-2")
    assert rebuilt(before, after) == {"deals", "credits", "paid"}
    # The same columns: what dbt has compared with a contract need not be compared again.
    assert all(before[name].definition == after[name].definition for name in before)


def test_changed_columns_of_a_landing_are_compared_with_the_contracts_again(seeds: Path) -> None:
    before, after = found(seeds, deals="columns-1"), found(seeds, deals="others-1")
    other = {name for name in before if before[name].definition != after[name].definition}
    assert "model.credits" in other and "model.shown" not in other


@pytest.mark.parametrize("what", ["macro", "day"])
def test_a_changed_macro_or_day_rebuilds_everything(seeds: Path, what: str) -> None:
    graph = copy.deepcopy(GRAPH)
    if what == "macro":
        graph["macros"]["macro.round"]["macro_sql"] = "round(x, 2)"
    after = found(seeds, graph, as_of="2013-06-30" if what == "macro" else "2013-07-01")
    assert rebuilt(found(seeds), after) == {
        name.partition(".")[2] for name in after if not name.startswith("test.")
    }


def test_changed_sql_rebuilds_the_model_and_the_tables_behind_it(seeds: Path) -> None:
    graph = copy.deepcopy(GRAPH)
    graph["nodes"]["model.credits"]["raw_code"] = "select 1 + 0"
    assert rebuilt(found(seeds), found(seeds, graph)) == {"credits", "paid"}


def test_changed_columns_rebuild_the_views_over_them(seeds: Path) -> None:
    graph = copy.deepcopy(GRAPH)
    graph["nodes"]["model.paid"]["columns"]["id"]["data_type"] = "bigint"
    # Its test is bound to the view's columns, which are the same; it reads other rows.
    assert {"paid", "shown"} <= rebuilt(found(seeds), found(seeds, graph))


def test_a_view_of_the_project_is_rebuilt_for_rows_only_where_dbt_writes_it_from_them() -> None:
    """The macros that read rows are found by what they call; a new one that is not would leave an old plan in place."""
    ensure_manifest()
    manifest = read_manifest()
    readers = {
        name
        for name, macro in manifest["macros"].items()
        if macro["package_name"] == "commissions" and "run_query" in macro["macro_sql"]
    }
    assert readers, "the expressions of plans are read by a macro"
    before = fingerprints(manifest, seeds=SEEDS, landed={}, variables={})
    written = {
        name
        for name, one in before.items()
        if name.startswith("model.") and one.is_view and one.definition == one.content
    }
    assert {
        "model.commissions.int_filtering__filter_results",
        "model.commissions.int_valuation__native_values",
    } <= written


def test_every_seed_of_the_project_reaches_the_payouts_or_is_known_not_to(tmp_path: Path) -> None:
    ensure_manifest()
    manifest = read_manifest()
    shutil.copytree(SEEDS, tmp_path / "seeds")
    before = fingerprints(manifest, seeds=SEEDS, landed={}, variables={})
    payouts = "model.commissions.fct_payouts"
    silent = set()
    for path in sorted((tmp_path / "seeds").rglob("*.csv")):
        text = path.read_text(encoding="utf-8")
        path.write_text(text + "\n", encoding="utf-8")
        after = fingerprints(manifest, seeds=tmp_path / "seeds", landed={}, variables={})
        path.write_text(text, encoding="utf-8")
        assert before[f"seed.commissions.{path.stem}"].built != after[f"seed.commissions.{path.stem}"].built
        if before[payouts].content == after[payouts].content:
            silent.add(path.stem)
    # Plans, people and calendars pay; these say how it is posted, exported, shown and planned.
    assert silent.isdisjoint(
        {"plans", "tiers", "rates", "variables", "plan_assignments", "credit_rules", "windows"}
    )
    assert {"posting_rules", "open_deals", "payroll_layouts"} <= silent


# --- what the warehouse remembers ---------------------------------------------------------------------------


@pytest.fixture
def built() -> dict[str, Fingerprint]:
    return {"model.paid": Fingerprint("d", "c", False), "model.shown": Fingerprint("e", "f", True)}


def note(connection: duckdb.DuckDBPyConnection, invocation: str) -> None:
    connection.execute(
        f"create or replace table main.last_invocation as select '{invocation}' as invocation_id"
    )


def test_what_was_built_is_remembered_until_it_is_forgotten(built: dict[str, Fingerprint]) -> None:
    with duckdb.connect() as connection:
        assert read_state(connection) == {}
        note(connection, "one")
        remember(connection, built)
        assert {name: one.built for name, one in read_state(connection).items()} == {
            "model.paid": "c",
            "model.shown": "e",
        }
        forget(connection, ["model.paid"])
        assert set(read_state(connection)) == {"model.shown"}
        note(connection, "two")
        remember(connection, {"model.paid": built["model.paid"]})
        assert set(read_state(connection)) == {"model.paid", "model.shown"}
        forget(connection, None)
        assert read_state(connection) == {}


def test_where_somebody_ran_dbt_by_hand_nothing_is_known(built: dict[str, Fingerprint]) -> None:
    with duckdb.connect() as connection:
        note(connection, "ours")
        remember(connection, built)
        note(connection, "another")
        assert read_state(connection) == {}


def test_a_table_of_an_earlier_version_is_no_knowledge() -> None:
    with duckdb.connect() as connection:
        note(connection, "ours")
        connection.execute("create schema calculation_state")
        connection.execute("create table calculation_state.nodes (unique_id varchar, built varchar)")
        assert read_state(connection) == {}
        forget(connection, None)
        remember(connection, {"model.paid": Fingerprint("d", "c", False)})
        assert set(read_state(connection)) == {"model.paid"}


def test_a_changed_var_of_the_project_is_in_every_fingerprint(tmp_path: Path) -> None:
    for name in ("dbt_project.yml", "profiles.yml"):
        shutil.copy(ROOT / "dbt_project" / name, tmp_path)
    before = project_settings(tmp_path)
    assert before == project_settings(ROOT / "dbt_project")
    project = tmp_path / "dbt_project.yml"
    project.write_text(project.read_text().replace("fx_rate_age_days_max: 7", "fx_rate_age_days_max: 8"))
    assert project_settings(tmp_path) != before
