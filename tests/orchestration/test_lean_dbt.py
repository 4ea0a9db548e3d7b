"""What is taken from the dbt that lives for building, and what must not be."""

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

from orchestration.calculation.lean_dbt import builds_no_test, without_tests

# In a process of its own: dbt's classes are changed for good.
HEARD = """
from dbt_common.events.functions import fire_event, warn_or_error
from dbt_common.events.event_manager_client import add_callback_to_manager
from dbt_common.events.types import Note, SystemStdErr
from dbt.events.types import DeprecatedModel, LogModelResult, MainReportArgs, NodeStart
from dbt_common.events.base_types import EventLevel
from orchestration.calculation.lean_dbt import silence_events
silence_events({"NodeStart"})
add_callback_to_manager(lambda event: print("HEARD", event.info.name, event.info.level, event.info.msg[:40]))
fire_event(NodeStart())
fire_event(MainReportArgs(args={"a": "b"}))
fire_event(Note(msg="a note"))
fire_event(Note(msg="a grave note"), level=EventLevel.ERROR)
fire_event(LogModelResult(description="m", status="OK", index=1, total=1, execution_time=1), level=EventLevel.INFO)
warn_or_error(DeprecatedModel(model_name="m", model_version="1", deprecation_date="2024-01-01"))
"""


def test_what_is_named_and_what_is_wrong_is_heard_and_nothing_else() -> None:
    done = subprocess.run([sys.executable, "-c", HEARD], capture_output=True, text=True, check=True)
    heard = [line.split()[1:3] for line in done.stdout.splitlines() if line.startswith("HEARD")]
    assert heard == [["NodeStart", "debug"], ["Note", "error"], ["DeprecatedModel", "warn"]]
    assert "a grave note" in done.stdout, "with its words"


class Manifest:
    """As much of dbt's manifest as is looked at."""

    metadata = SimpleNamespace(project_name="ours")

    def __init__(self, macros: dict[str, str]) -> None:
        def node(kind: str, sql: str) -> Any:
            return SimpleNamespace(
                resource_type=kind, raw_code=sql, config=SimpleNamespace(materialized="table")
            )

        self.nodes = {"model.m": node("model", "{{ used() }}"), "test.t": node("test", "{{ tested() }}")}
        self.unit_tests = {"unit": 1}
        self.macros = {
            f"macro.{name}": SimpleNamespace(
                name=name, macro_sql=sql, package_name="ours" if name == "own" else "dbt"
            )
            for name, sql in macros.items()
        }
        self.built = False

    def build_parent_and_child_maps(self) -> None:
        self.built = True


def test_macros_within_reach_stay_however_they_are_reached() -> None:
    manifest = Manifest(
        {
            "used": "{{ adapter.dispatch('dispatched')() }}",
            "default__dispatched": "{{ deep() }}",
            "deep": "select 1",
            "own": "{{ of_our_own() }}",
            "of_our_own": "select 2",
            "materialization_table_default": "{{ in_materialization() }}",
            "in_materialization": "",
            "list_relations_without_caching": "called by the adapter, in Python",
            "tested": "of a test only",
            "materialization_snapshot_default": "{{ in_snapshot() }}",
            "in_snapshot": "",
        }
    )
    lean = without_tests(manifest)
    assert set(manifest.macros) - set(lean.macros) == {
        "macro.tested",
        "macro.materialization_snapshot_default",
        "macro.in_snapshot",
    }
    assert set(lean.nodes) == {"model.m"} and lean.unit_tests == {} and lean.built
    assert lean.nodes["model.m"] is manifest.nodes["model.m"]
    assert set(manifest.nodes) == {"model.m", "test.t"} and manifest.unit_tests == {"unit": 1}


def test_only_a_build_that_leaves_all_tests_out_has_none() -> None:
    left_out = ["--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"]
    assert builds_no_test(["build", *left_out])
    assert not builds_no_test(["build", *left_out[:2]])
    assert not builds_no_test(["test", *left_out])
    assert not builds_no_test(["compile", "--select", "test"])


def test_a_model_is_rendered_once_only_where_neither_it_nor_a_macro_asks_the_warehouse() -> None:
    manifest = Manifest({"asking": "{{ deep() }}", "deep": "{% do run_query('select 1') %}", "plain": "1"})
    texts = {
        "plain": "select {{ plain() }} from {{ ref('a') }} -- asking is a word here",
        "asks": "{% set rows = run_query('select 1') %}",
        "asks_in_a_macro_of_a_macro": "select {{ asking() }}",
        "reads_its_table": "select max(d) from {{ this }}",
        "knows_the_columns": "{{ adapter.get_columns_in_relation(ref('a')) }}",
        "dispatches": "{{ adapter.dispatch('plain')() }}",
        "knows_the_run": "select '{{ invocation_id }}'",
        "knows_the_home": "select '{{ env_var(\"HOME\") }}'",
    }
    model = manifest.nodes["model.m"]
    manifest.nodes = {
        name: SimpleNamespace(**{**vars(model), "raw_code": text}) for name, text in texts.items()
    }
    assert without_tests(manifest).rendered_alike == {"plain", "dispatches"}
