"""The written conventions, checked on dbt's manifest, the seeds and the tracked files."""

import csv
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.parses import SETS, manifest_with, name_of

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "dbt_project" / "models"
STAGES = ("pool", "parameters", "filtering", "valuation", "crediting", "attainment", "rewards", "ledger")
CLOCKS = re.compile(r"\b(current_date|current_timestamp|now\s*\(|today\s*\(|getdate)", re.IGNORECASE)
# dbt ignores a misspelt key in silence; these are all that the project uses.
KNOWN_KEYS = {
    "name", "description", "config", "columns", "data_tests", "data_type", "constraints", "quote",
    "arguments", "tables", "schema", "time_spine", "granularity",
}  # fmt: skip


# Keys inside `config`, at the top of a file, and of unit tests.
KNOWN_CONFIG_KEYS = {"column_types", "meta", "contract", "materialized", "severity", "enabled"}
KNOWN_FILE_KEYS = {
    "version", "models", "seeds", "sources", "unit_tests", "semantic_models", "metrics", "exposures",
}  # fmt: skip
KNOWN_UNIT_TEST_KEYS = {"name", "description", "model", "given", "expect", "overrides"}
# Literals other than 0 and 1 in model SQL, each with the reason why it is not a number of a plan.
SCALES = "decimals handed to ratio()"
STORED = "decimals of every stored amount"
LITERALS = {
    "int_parameters__alias_matches": {
        "2": "rank of a mark, surest first",
        "3": "rank of a mark, surest first",
        "4": "rank of a mark, surest first",
    },
    "int_parameters__windows": {"3": "months of a quarter"},
    "int_crediting__candidates": {"10": STORED},
    "int_crediting__split_shares": {"100": "percent"},
    "int_attainment__variable_values": {
        "2": "rank of a scope, narrowest first",
        "3": "rank of a scope, narrowest first",
    },
    "int_rewards__tier_curves": {"10": STORED},
    "int_rewards__marginal_tiers": {"10": STORED},
    "int_rewards__whole_tiers": {"10": STORED},
    "int_rewards__multiplied": {"10": STORED},
    "int_rewards__bonus_bases": {"10": SCALES, "20": SCALES},
    "int_rewards__bonus_amounts": {"4": SCALES, "6": SCALES, "10": SCALES, "14": SCALES},
    "int_rewards__commissions": {"6": SCALES, "10": SCALES, "14": SCALES},
    "int_ledger__clawbacks": {"4": SCALES, "6": SCALES, "10": SCALES},
    "int_ledger__collection_lines": {"10": "decimals handed to round_money()"},
    "int_ledger__draw_months": {"2": "place of the draw in a line's key"},
    "fct_draw_balances": {"2": "place of the draw in a line's key"},
    "rpt_plan_costs": {"4": SCALES},
    "rpt_audit_log": {"9": "digits of a number in a key"},
}
# Lines of a model and of a macro that a reader takes in at once, and the models that are longer: lines, and why they stay whole.
MODEL_LINES = 170
MACRO_LINES = 60
COLUMNS = "few steps; most of it is the list of columns"
LONG_MODELS = {
    "fct_contract_cost_segments": (179, "one schedule; its steps read nothing else"),
    "fct_crm_lines": (181, COLUMNS),
    "fct_payroll_balances": (205, "a recursive walk needs its rows in the same query"),
    "fct_statements": (263, "a statement adds up nine tables, each a few lines"),
    "int_rewards__bonus_amounts": (
        235,
        "the prizes of a rank, shared among those who tie, then the other bonuses",
    ),
    "int_crediting__candidates": (
        269,
        "one path from a recipient to the credits of all levels, or to a reason",
    ),
    "int_ledger__collection_lines": (
        235,
        "what counts, what of it a leaver forfeits, what is earned: one path",
    ),
    "rpt_journal_files": (184, "the text of files: each kind of line once"),
    "rpt_line_explanations": (258, COLUMNS),
    "rpt_payroll_files": (191, "the text of files: each kind of line once"),
    "rpt_statement_waiting": (184, "a union of what waits, each kind once"),
    "fct_calculations": (173, COLUMNS),
}
SECRETS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY|AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{30,}|xox[abpr]-[A-Za-z0-9-]{10,}"
    r"|eyJ[A-Za-z0-9_-]{20,}\.eyJ|://[^/\s:@\"'{}$]+:[^/\s:@\"'{}$]+@"
    r"|(?:password|passwd|secret|api_key|token)\s*[=:]\s*['\"][A-Za-z0-9+/_-]{12,}['\"]",
    re.IGNORECASE,
)


@pytest.fixture(scope="module", params=SETS, ids=name_of)
def project(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return the manifest with CRM, billing and HRIS from files and from connected systems."""
    return manifest_with(request.param)


@pytest.fixture(scope="module")
def manifest(project: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return this project's own nodes by name."""
    return {key: node for key, node in project["nodes"].items() if node["package_name"] == "commissions"}


def of_type(manifest: dict[str, dict[str, Any]], *types: str) -> list[dict[str, Any]]:
    return [node for node in manifest.values() if node["resource_type"] in types]


def sql_files() -> list[Path]:
    return sorted(MODELS.rglob("*.sql"))


def without_comments(sql: str) -> str:
    return re.sub(r"\{#.*?#\}|--[^\n]*", "", sql, flags=re.DOTALL)


def without_strings(sql: str) -> str:
    """Leave SQL strings out, but keep those inside Jinja, which hold SQL."""
    sql = re.sub(r"'\{\{[^{}']*\}\}'", "''", sql)
    parts = re.split(r"(\{\{.*?\}\}|\{%.*?%\})", sql, flags=re.DOTALL)
    return "".join(part if part.startswith("{") else re.sub(r"'[^']*'", "''", part) for part in parts)


def reasons_in(path: Path) -> list[str]:
    """Return the codes that a model gives as `then '<code>'` in a case named reason_code, or in a list of gap_codes, in order."""
    cases = re.findall(
        r"\bcase\b((?:(?!\bcase\b).)*?)\bend\b[\s)]*(?:::varchar\s+)?as (?:final_)?(?:reason|effect)_code",
        without_comments(path.read_text()),
        flags=re.DOTALL,
    )
    cases += re.findall(r'filled\("\[(.*?)\]"\) \}\} as gap_codes', path.read_text(), re.DOTALL)
    given = [code for case in cases for code in re.findall(r"(?:then|else)\s+'(\w+)'", case)]
    return given + re.findall(r"'(\w+)' as reason_code", without_comments(path.read_text()))


def seed_rows(name: str) -> list[dict[str, str]]:
    with next((ROOT / "seeds").rglob(f"{name}.csv")).open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_model_and_seed_states_its_grain(manifest: dict[str, dict[str, Any]]) -> None:
    nodes = of_type(manifest, "model", "seed")
    assert nodes
    assert [node["name"] for node in nodes if not node["description"].strip().startswith("Grain: ")] == []


def test_every_source_table_is_described(project: dict[str, Any]) -> None:
    sources = [source for source in project["sources"].values() if source["package_name"] == "commissions"]
    assert sources
    assert [
        source["unique_id"]
        for source in sources
        if not source["description"].strip() or not source["source_description"].strip()
    ] == []


def test_every_unit_test_says_what_it_shows(project: dict[str, Any]) -> None:
    tests = [test for test in project["unit_tests"].values() if test["package_name"] == "commissions"]
    assert tests
    assert [test["name"] for test in tests if not (test.get("description") or "").strip()] == []
    assert [test["name"] for test in tests if not re.fullmatch(r"[a-z]+(_[a-z0-9]+){3,}", test["name"])] == []


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
            wanted = {
                "_amount": "decimal(", "_ratio": "decimal(", "_rate": "decimal(", "_date": "date",
                "_at": "timestamp", "_code": "varchar", "_id": "varchar", "_key": "varchar",
            }  # fmt: skip
            for ending, start in wanted.items():
                if name.endswith(ending) and not name.startswith("is_") and not data_type.startswith(start):
                    problems.append(f"{model['name']}.{name}: {data_type}")
            if name.startswith(("is_", "has_", "was_")) and data_type != "boolean":
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
            "custom": ("custom_",),
            "own": ("own_",),
        }[layer]
        if not path.stem.startswith(allowed) or (layer == "intermediate" and stage not in STAGES):
            wrong.append(str(path.relative_to(MODELS)))
    assert wrong == []


def test_models_and_macros_fit_a_reader() -> None:
    """Longer ones are listed with a reason, and may not grow."""
    lengths = {path.stem: path.read_text().count("\n") for path in sql_files()}
    assert {
        name: lines for name, lines in lengths.items() if lines > LONG_MODELS.get(name, (MODEL_LINES,))[0]
    } == {}
    assert [name for name in LONG_MODELS if lengths.get(name, 0) <= MODEL_LINES] == []
    macros = {
        macro[1]: macro[0].count("\n") + 1
        for path in (ROOT / "dbt_project" / "macros").rglob("*.sql")
        for macro in re.finditer(r"\{%-? macro (\w+)\(.*?endmacro", path.read_text(), re.DOTALL)
    }
    assert len(macros) > 40
    assert {name: lines for name, lines in macros.items() if lines > MACRO_LINES} == {}


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


def test_no_query_keeps_one_row_by_chance() -> None:
    chosen = [
        path.stem
        for path in [*sql_files(), *(ROOT / "dbt_project" / "tests").rglob("*.sql")]
        if re.search(
            r"\bdistinct\s+on\b|\b(any_value|first|arbitrary)\s*\(",
            without_comments(path.read_text()),
            re.IGNORECASE,
        )
    ]
    assert chosen == []


def test_dated_joins_go_through_in_force() -> None:
    """A hand-written half-open comparison of a day with one row's range is what in_force() is for."""
    pattern = re.compile(r"(\w+)\.(valid|window)_from\s*<=|>=\s*(\w+)\.(valid|window)_from")
    assert [path.stem for path in sql_files() if pattern.search(without_comments(path.read_text()))] == []


def test_money_is_divided_in_one_macro_only() -> None:
    divided = []
    for path in [*sql_files(), *(ROOT / "dbt_project" / "macros").glob("*.sql")]:
        sql = re.sub(r'"[^"]*"', '""', without_strings(without_comments(path.read_text())))
        operator = re.search(r"(?<!['/])/+(?!['/])", sql)
        if (operator and path.stem != "ratio") or re.search(
            r"\b(avg|mean)\s*\(|::\s*(double|float|real)\b", sql, re.IGNORECASE
        ):
            divided.append(path.stem)
    assert divided == []


def test_numbers_of_a_plan_are_in_seeds_not_in_sql() -> None:
    problems, used = [], set()
    for path in sql_files():
        sql = without_strings(without_comments(path.read_text()))
        sql = re.sub(r"\bdecimal\(\d+, \d+\)", "decimal", sql)  # types
        sql = re.sub(r"(\{\{ ratio\([^{}]*'),[\d, ]+\)\s*\}\}", r"\1) }}", sql, flags=re.DOTALL)  # its scales
        for literal in re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.])", sql):
            if literal in {"0", "1"}:
                continue
            used.add((path.stem, literal))
            if literal not in LITERALS.get(path.stem, {}):
                problems.append(f"{path.stem}: {literal}")
    assert problems == []
    assert {(model, literal) for model, reasons in LITERALS.items() for literal in reasons} - used == set()


def test_reason_codes_are_listed_and_tried_in_the_order_of_their_seed() -> None:
    listed = {row["reason_code"]: row for row in seed_rows("reason_codes")}
    given = {path.stem: reasons_in(path) for path in sql_files()}
    assert {code for codes in given.values() for code in codes} == set(listed)
    stages = {
        "int_filtering__verdicts": "filtering",
        "int_valuation__whole_values": "valuation",
        "int_pool__collections": "ledger",
    }
    for model, stage in stages.items():
        own = [code for code in given[model] if listed[code]["stage_code"] == stage]
        assert own == sorted(own, key=lambda code: int(listed[code]["precedence"])), model


def test_every_seed_row_says_where_it_was_agreed() -> None:
    problems = []
    for path in sorted((ROOT / "seeds").rglob("*.csv")):
        for number, row in enumerate(seed_rows(path.stem), start=2):
            if "source_document" not in row:
                continue
            document = (row["source_document"] or "").strip()
            if not document:
                problems.append(f"{path.stem}.csv line {number}: no source_document")
            elif document.startswith("docs/") and not (ROOT / document.partition("#")[0]).exists():
                problems.append(f"{path.stem}.csv line {number}: {document} does not exist")
    assert problems == []


def test_yaml_has_no_unknown_keys() -> None:
    def walk(node: object, path: str) -> list[str]:
        if isinstance(node, list):
            return [found for item in node for found in walk(item, path)]
        if not isinstance(node, dict):
            return []
        own = [f"{path}: {key}" for key in node if key not in KNOWN_KEYS] if "name" in node else []
        own += [f"{path}: config.{key}" for key in node.get("config") or {} if key not in KNOWN_CONFIG_KEYS]
        inner = [
            found
            for key in ("columns", "tables")
            for found in walk(node.get(key) or [], f"{path}/{node.get('name')}")
        ]
        return own + inner

    problems = []
    for path in [*MODELS.rglob("_*.yml"), *(ROOT / "seeds").rglob("_*.yml")]:
        content = yaml.safe_load(path.read_text())
        problems += [f"{path.stem}: {key}" for key in content if key not in KNOWN_FILE_KEYS]
        problems += [
            f"{path.stem}: {key}"
            for test in content.get("unit_tests") or []
            for key in test
            if key not in KNOWN_UNIT_TEST_KEYS
        ]
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
        if SECRETS.search(text):
            problems.append(f"{path.relative_to(ROOT)}: looks like a credential")
    assert problems == []


def test_every_view_with_a_contract_is_checked_for_empty_columns(manifest: dict[str, dict[str, Any]]) -> None:
    """A database enforces not_null on tables only."""
    check = next(
        test
        for test in of_type(manifest, "test")
        if test["name"] == "assert_views_fill_what_their_contract_requires"
    )
    views = {
        model["unique_id"]
        for model in of_type(manifest, "model")
        if model["config"]["materialized"] == "view" and model["config"]["contract"]["enforced"]
    }
    assert set(check["depends_on"]["nodes"]) == views


def test_the_published_file_is_opened_in_one_place() -> None:
    """It may be encrypted: only `marts_file` knows how to open it then."""
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in (ROOT / "orchestration").rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if "duckdb.connect(" in line and "published" in line
    ]
    assert found == []


def test_links_between_documents_lead_somewhere() -> None:
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True)
    broken = [
        f"{name}: {link}"
        for name in listed.stdout.splitlines()
        for link in re.findall(r"\]\(([^)\s#]+)", (ROOT / name).read_text(encoding="utf-8"))
        if "://" not in link and not link.startswith("mailto:") and not ((ROOT / name).parent / link).exists()
    ]
    assert broken == []
