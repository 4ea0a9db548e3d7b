"""The asset graph, asserted without running it."""

from pathlib import PurePosixPath

import dagster as dg
import pytest

from ingestion.registry import SYSTEMS
from orchestration.books.desk import DERIVED_MARTS, STATE_MARTS
from orchestration.books.landed import TABLES
from orchestration.calculation.checks import shown_at
from orchestration.definitions import defs
from orchestration.defs.assets import MANIFEST
from orchestration.defs.translator import (
    ARCHIVE_KEY,
    CALCULATION_KEY,
    MONTH_KEY,
    PREFLIGHT_KEY,
    PUBLISHED_KEY,
    dbt_group,
)

STAGES = {"parameters", "filtering", "valuation", "crediting", "attainment", "rewards", "ledger"}
MARTS = (
    "fct_payouts",
    "fct_commission_lines",
    "fct_credits",
    "rpt_commission_tiers",
    "rpt_skipped_transactions",
    "rpt_transaction_dispositions",
    "rpt_attainment",
    "dim_payees",
    "dim_plans",
)


@pytest.fixture(scope="module")
def specs() -> dict[dg.AssetKey, dg.AssetSpec]:
    return {spec.key: spec for spec in defs.resolve_all_asset_specs()}


def upstream(specs: dict[dg.AssetKey, dg.AssetSpec], key: dg.AssetKey) -> set[dg.AssetKey]:
    """All assets that ``key`` is made from."""
    found: set[dg.AssetKey] = set()
    left = [key]
    while left:
        deps = {dep.asset_key for dep in specs[left.pop()].deps} - found
        found |= deps
        left += deps
    return found


def test_every_source_table_is_one_asset_that_waits_for_the_preflight(
    specs: dict[dg.AssetKey, dg.AssetSpec],
) -> None:
    for system in SYSTEMS.values():
        for table in system.tables:
            spec = specs[dg.AssetKey([system.name, table.name])]
            assert {dep.asset_key for dep in spec.deps} == {PREFLIGHT_KEY}
            assert spec.group_name == f"raw_{system.name}"


def test_every_dbt_source_is_a_landed_table() -> None:
    landed = {(system.name, table.name) for system in SYSTEMS.values() for table in system.tables}
    sources = {(source["source_name"], source["name"]) for source in MANIFEST["sources"].values()}
    landed |= {("books", table) for table in TABLES}
    assert sources - landed == set()


def test_every_dbt_node_is_an_asset_of_its_layer(specs: dict[dg.AssetKey, dg.AssetSpec]) -> None:
    for node in MANIFEST["nodes"].values():
        if node["resource_type"] in ("model", "seed"):
            group = specs[dg.AssetKey([node["schema"], node["name"]])].group_name
            assert group is not None
            if node["schema"] == "marts":
                assert group == f"marts_{PurePosixPath(node['original_file_path']).parts[-2]}"
            else:
                assert group == node["schema"] or (
                    node["schema"] == "intermediate" and not group.startswith("marts")
                )
    assert {spec.group_name for spec in specs.values()} >= STAGES | {
        "preflight",
        "seeds",
        "staging",
        "marts_finance",
        "published",
    }


def test_seeds_wait_for_the_preflight(specs: dict[dg.AssetKey, dg.AssetSpec]) -> None:
    seeds = [spec for spec in specs.values() if spec.group_name == "seeds"]
    assert seeds
    for spec in seeds:
        assert {dep.asset_key for dep in spec.deps} == {PREFLIGHT_KEY}


def test_payouts_are_made_from_the_sources_and_the_seeds(specs: dict[dg.AssetKey, dg.AssetSpec]) -> None:
    made_from = upstream(specs, dg.AssetKey(["marts", "fct_payouts"]))
    assert {
        PREFLIGHT_KEY,
        dg.AssetKey(["crm", "Opportunity"]),
        dg.AssetKey(["billing", "payments"]),
        dg.AssetKey(["seeds", "tiers"]),
        dg.AssetKey(["staging", "stg_crm__opportunities"]),
    } <= made_from


def test_publishing_comes_after_every_other_asset(specs: dict[dg.AssetKey, dg.AssetSpec]) -> None:
    # The calculation as a whole comes out of every run; a mart that has not changed does not.
    assert {dep.asset_key for dep in specs[PUBLISHED_KEY].deps} == {CALCULATION_KEY}
    direct = {dep.asset_key for dep in specs[CALCULATION_KEY].deps}
    assert direct == {spec.key for spec in specs.values() if (spec.group_name or "").startswith("marts_")}
    assert {dg.AssetKey(["marts", name]) for name in MARTS} <= direct
    assert {key for key in specs if PUBLISHED_KEY in upstream(specs, key)} == {ARCHIVE_KEY, MONTH_KEY}
    assert {key for key, spec in specs.items() if not spec.skippable} == {
        *(spec.key for spec in specs.values() if (spec.group_name or "").startswith("raw_")),
        PREFLIGHT_KEY,
        PUBLISHED_KEY,
        ARCHIVE_KEY,
        MONTH_KEY,
    }


def test_every_dbt_test_is_in_the_check_of_its_layer() -> None:
    # Tests of models that a var switches off stay in the manifest, disabled.
    tests = [
        node
        for node in MANIFEST["nodes"].values()
        if node["resource_type"] == "test" and node["config"]["enabled"]
    ]
    assert tests
    checks = {key.name for key in defs.resolve_asset_graph().asset_check_keys}
    shown = {shown_at(node, MANIFEST) for node in tests}
    layers = {dbt_group(MANIFEST["nodes"][name]) for name in shown if name in MANIFEST["nodes"]}
    assert {f"data_tests_of_{layer}" for layer in layers} - checks == set()
    assert all(name in MANIFEST["nodes"] for name in shown)


def test_the_job_takes_everything_in_one_process(specs: dict[dg.AssetKey, dg.AssetSpec]) -> None:
    job = defs.resolve_job_def("daily")
    assert job.asset_layer.selected_asset_keys == set(specs) - {MONTH_KEY}
    assert job.executor_def is dg.in_process_executor


def test_no_step_waits_for_a_pool_that_a_killed_run_can_hold() -> None:
    for asset in defs.assets or []:
        assert isinstance(asset, dg.AssetsDefinition)
        assert asset.op.pool is None
    for job in defs.resolve_all_job_defs():
        for node in job.all_node_defs:
            assert getattr(node, "pool", None) is None, f"{node.name} of {job.name}"


def test_every_source_lands_by_itself_and_the_rest_is_calculated_as_one(
    specs: dict[dg.AssetKey, dg.AssetSpec],
) -> None:
    for system in SYSTEMS.values():
        schedule = defs.resolve_schedule_def(f"land_{system.name}")
        assert isinstance(schedule, dg.ScheduleDefinition)
        assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING
        landed = defs.resolve_job_def(schedule.job_name).asset_layer.selected_asset_keys
        assert landed == {dg.AssetKey([system.name, table.name]) for table in system.tables}
        for key in landed:
            assert specs[key].freshness_policy is not None
            assert specs[key].automation_condition is None
    landed = {
        dg.AssetKey([system.name, table.name]) for system in SYSTEMS.values() for table in system.tables
    }
    calculated = set(specs) - landed - {MONTH_KEY}
    assert defs.resolve_job_def("calculate_now").asset_layer.selected_asset_keys == calculated
    conditions = {specs[key].automation_condition for key in calculated}
    assert len(conditions) == 1 and None not in conditions


def test_the_crm_lands_hourly_only_when_somebody_switches_it_on() -> None:
    schedule = defs.resolve_schedule_def("land_crm_often")
    assert isinstance(schedule, dg.ScheduleDefinition)
    assert (schedule.cron_schedule, schedule.default_status) == (
        "0 * * * *",
        dg.DefaultScheduleStatus.STOPPED,
    )


def test_every_mart_that_follows_the_log_is_shown_after_an_action() -> None:
    """A view over the log changes with an action; readers see it only when the action refreshes its copy."""
    read_by = {
        node: {
            key for key, child in MANIFEST["nodes"].items() if node in child["depends_on"].get("nodes", [])
        }
        for node in MANIFEST["nodes"]
    }
    left = [
        f"model.commissions.stg_books__{table}"
        for table in ("actions", "closings", "exports", "exported_lines")
    ]
    found = set()
    while left:
        for key in read_by[left.pop()]:
            node = MANIFEST["nodes"][key]
            if node["resource_type"] == "model" and node["config"]["materialized"] == "view":
                left.append(key)
                if node["schema"] == "marts":
                    found.add(node["name"])
    assert found == {*STATE_MARTS, *DERIVED_MARTS}


def test_what_an_action_refreshes_reads_no_landed_table() -> None:
    """Sources land by themselves: what people are shown after an action must be what was calculated, not what has landed since."""

    def reached(key: str) -> set[str]:
        found = set()
        for upstream_key in MANIFEST["nodes"][key]["depends_on"]["nodes"]:
            if upstream_key.startswith("source."):
                found.add(upstream_key)
            else:
                node = MANIFEST["nodes"][upstream_key]
                if node["resource_type"] == "model" and node["config"]["materialized"] == "view":
                    found |= reached(upstream_key)
        return {name for name in found if ".books." not in name}

    problems = {name: reached(f"model.commissions.{name}") for name in (*STATE_MARTS, *DERIVED_MARTS)}
    assert {name: sources for name, sources in problems.items() if sources} == {}
