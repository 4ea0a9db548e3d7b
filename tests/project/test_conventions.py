"""The written conventions, checked on dbt's manifest, the seeds and the tracked files."""

import csv
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from dbt.cli.main import dbtRunner

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "dbt_project" / "models"
STAGES = ("pool", "parameters", "filtering", "valuation", "crediting", "attainment", "rewards", "ledger")
CLOCKS = re.compile(r"\b(current_date|current_timestamp|now\s*\(|today\s*\(|getdate)", re.IGNORECASE)
# dbt ignores a misspelt key in silence; these are all that the project uses.
KNOWN_KEYS = {
    "name", "description", "config", "columns", "data_tests", "data_type", "constraints", "quote",
    "arguments", "tables", "schema",
}  # fmt: skip


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Return the nodes of a fresh parse by name."""
    target = tmp_path_factory.mktemp("target")
    project = str(ROOT / "dbt_project")
    os.environ["COMMISSIONS_HOME"] = str(target)
    parsed = dbtRunner().invoke(
        ["-q", "parse", "--project-dir", project, "--profiles-dir", project, "--target-path", str(target),
         "--log-path", str(target)]
    )  # fmt: skip
    assert parsed.success, parsed.exception
    nodes = parsed.result.to_dict()["nodes"]
    return {key: node for key, node in nodes.items() if node["package_name"] == "commissions"}


def of_type(manifest: dict[str, dict[str, Any]], *types: str) -> list[dict[str, Any]]:
    return [node for node in manifest.values() if node["resource_type"] in types]


def sql_files() -> list[Path]:
    return sorted(MODELS.rglob("*.sql"))


def without_comments(sql: str) -> str:
    return re.sub(r"\{#.*?#\}|--[^\n]*", "", sql, flags=re.DOTALL)


def test_every_model_and_seed_states_its_grain(manifest: dict[str, dict[str, Any]]) -> None:
    nodes = of_type(manifest, "model", "seed")
    assert nodes
    assert [node["name"] for node in nodes if not node["description"].strip().startswith("Grain: ")] == []


def test_every_declared_column_is_described(manifest: dict[str, dict[str, Any]]) -> None:
    missing = [
        f"{node['name']}.{column['name']}"
        for node in of_type(manifest, "model", "seed")
        for column in node["columns"].values()
        if not column["description"].strip()
    ]
    assert missing == []


def test_stages_and_marts_have_an_enforced_contract_and_a_tested_key(
    manifest: dict[str, dict[str, Any]],
) -> None:
    tests = of_type(manifest, "test")
    problems = []
    for model in of_type(manifest, "model"):
        if model["fqn"][1] == "staging":
            continue
        if not model["config"]["contract"]["enforced"]:
            problems.append(f"{model['name']}: no enforced contract")
        key = (model["config"].get("meta") or {}).get("key")
        if not key:
            problems.append(f"{model['name']}: no meta.key")
            continue
        mine = [test for test in tests if test.get("attached_node") == model["unique_id"]]
        unique = any(
            (test["test_metadata"]["name"] == "unique" and [test["column_name"]] == key)
            or (
                test["test_metadata"]["name"] == "unique_combination"
                and test["test_metadata"]["kwargs"]["columns"] == key
            )
            for test in mine
            if test.get("test_metadata")
        )
        if not unique:
            problems.append(f"{model['name']}: key {key} is not tested")
    assert problems == []


def test_money_is_decimal_and_names_say_the_type(manifest: dict[str, dict[str, Any]]) -> None:
    problems = []
    for model in of_type(manifest, "model"):
        for column in model["columns"].values():
            name, data_type = column["name"], (column["data_type"] or "").lower()
            if not data_type:
                continue
            wanted = {"_amount": "decimal(", "_ratio": "decimal(", "_rate": "decimal(", "_date": "date"}
            for ending, start in wanted.items():
                if name.endswith(ending) and not data_type.startswith(start):
                    problems.append(f"{model['name']}.{name}: {data_type}")
            if name.startswith(("is_", "has_")) and data_type != "boolean":
                problems.append(f"{model['name']}.{name}: {data_type}")
            if data_type in {"double", "float", "real"} or data_type == "decimal":
                problems.append(f"{model['name']}.{name}: {data_type}")
    assert problems == []


def test_models_are_named_by_layer() -> None:
    wrong = []
    for path in sql_files():
        layer, folder = path.relative_to(MODELS).parts[:2]
        stage = re.sub(r"^\d+_", "", folder)
        allowed = {
            "staging": (f"stg_{folder}__",),
            "intermediate": (f"int_{stage}__",),
            "marts": ("fct_", "dim_", "rpt_"),
        }[layer]
        if not path.stem.startswith(allowed) or (layer == "intermediate" and stage not in STAGES):
            wrong.append(str(path.relative_to(MODELS)))
    assert wrong == []


def test_every_model_says_its_grain_and_names_a_rule_that_exists() -> None:
    problems = []
    for path in sql_files():
        text = path.read_text()
        if "-- Grain: " not in text:
            problems.append(f"{path.stem}: no grain")
        problems += [
            f"{path.stem}: {rule} does not exist"
            for rule in re.findall(r"Rule: (docs/\S+\.md)", text)
            if not (ROOT / rule).exists()
        ]
    assert problems == []


def test_no_model_reads_a_clock_or_joins_between() -> None:
    problems = []
    for path in [*sql_files(), *(ROOT / "dbt_project" / "tests").rglob("*.sql")]:
        sql = without_comments(path.read_text())
        if CLOCKS.search(sql):
            problems.append(f"{path.stem}: reads a clock")
        if re.search(r"(?<!preceding and )\bbetween\s+(?!unbounded)", sql, re.IGNORECASE):
            problems.append(f"{path.stem}: joins with between")
    assert problems == []


def test_money_is_divided_in_one_macro_only() -> None:
    divided = []
    for path in sql_files():
        sql = re.sub(r"'[^']*'|\"[^\"]*\"", "", without_comments(path.read_text()))
        if re.search(r"[\w)]\s*/\s*[\w(]", sql):
            divided.append(path.stem)
    assert divided == []


def test_yaml_has_no_unknown_keys() -> None:
    def walk(node: object, path: str) -> list[str]:
        if isinstance(node, list):
            return [found for item in node for found in walk(item, path)]
        if not isinstance(node, dict):
            return []
        own = [f"{path}: {key}" for key in node if key not in KNOWN_KEYS] if "name" in node else []
        inner = [
            found
            for key in ("columns", "tables")
            for found in walk(node.get(key) or [], f"{path}/{node.get('name')}")
        ]
        return own + inner

    problems = []
    for path in [*MODELS.rglob("_*.yml"), *(ROOT / "seeds").rglob("_*.yml")]:
        if path.stem.endswith("unit_tests"):
            continue
        content = yaml.safe_load(path.read_text())
        for section in ("models", "seeds", "sources"):
            problems += walk(content.get(section) or [], path.stem)
    assert problems == []


def test_seed_contracts_cover_the_columns_of_their_files(manifest: dict[str, dict[str, Any]]) -> None:
    problems = []
    for seed in of_type(manifest, "seed"):
        path = (ROOT / "dbt_project" / seed["original_file_path"]).resolve()
        with path.open(newline="") as file:
            header = next(csv.reader(file))
        if header != list(seed["columns"]) or set(header) != set(seed["config"]["column_types"]):
            problems.append(f"{seed['name']}: file {header}, contract {list(seed['columns'])}")
    assert problems == []


def test_tracked_files_hold_no_artefact_index_address_or_machine_path() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    tracked = [ROOT / name for name in listed.stdout.splitlines()]
    problems = []
    for path in tracked:
        if not path.is_file():
            continue
        if path.suffix in {".duckdb", ".wal", ".parquet"} or "target" in path.parts or ".dlt" in path.parts:
            problems.append(f"{path.relative_to(ROOT)}: an artefact")
        if path.suffix in {".gz"} or path == Path(__file__):
            continue
        text = path.read_text(errors="ignore")
        if re.search(r"--(extra-)?index-url|py" r"pi\.org|pythonhosted", text):
            problems.append(f"{path.relative_to(ROOT)}: a package index address")
        if re.search(r"(?<![\w.])/(home|root|Users)/\w", text):
            problems.append(f"{path.relative_to(ROOT)}: a machine path")
    assert problems == []
