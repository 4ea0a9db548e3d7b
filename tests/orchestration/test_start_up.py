"""The command line answers at once: what calculates is imported by the command that calculates."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {
    "dagster",
    "dagster_dbt",
    "dagster_dlt",
    "dbt",
    "dlt",
    "duckdb",
    "pandas",
    "pyarrow",
    "pydantic",
    "sqlglot",
}


def imported(code: str, home: Path) -> set[str]:
    """The heavy packages that are there after `code`."""
    answer = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint('\\n', *sys.modules)"],
        capture_output=True, text=True, check=True, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COMMISSIONS_HOME": str(home)},
    )  # fmt: skip
    return HEAVY & set(answer.stdout.split())


@pytest.mark.parametrize(
    "code",
    [
        "import orchestration.cli.main",
        "from orchestration.cli.main import main; main(['--help'], standalone_mode=False)",
        # A home is made: the settings alone.
        "from orchestration.warehouse.settings import RunSettings; RunSettings.from_env().prepare({})",
    ],
)
def test_the_command_line_imports_nothing_heavy(code: str, tmp_path: Path) -> None:
    assert imported(code, tmp_path) == set()


def test_what_sends_alerts_is_found_when_it_is_asked_for(tmp_path: Path) -> None:
    assert "dlt" in imported(
        "from orchestration.telling.alerts import Alert, Sent, flush, send_alerts", tmp_path
    )


def test_a_run_says_something_before_it_imports_anything_heavy(tmp_path: Path) -> None:
    code = (
        "import click, sys; from orchestration.cli.main import main\n"
        "class Said(Exception): pass\n"
        "def echo(*_args, **_options): raise Said\n"
        "click.echo = echo\n"
        "try: main(['run'], standalone_mode=False)\n"
        "except Said: pass"
    )
    assert imported(code, tmp_path) == set()


FACTS = """
import sys
from pathlib import Path
from orchestration.definitions import defs

OBJECTS = ("manifest", "project", "translator")

def facts(spec):
    shown = {name: str(value) for name, value in spec.metadata.items() if not name.endswith(OBJECTS)}
    deps = sorted(dep.asset_key for dep in (spec.deps if hasattr(spec, "deps") else spec.additional_deps))
    rest = [getattr(spec, name, None) for name in ("group_name", "code_version", "blocking")]
    rest.append(sorted(getattr(spec, "tags", {}).items()))
    return repr((spec.key, deps, spec.description, sorted(spec.metadata), sorted(shown.items()), *map(str, rest)))

specs = [facts(spec) for spec in defs.resolve_all_asset_specs()]
checks = {facts(spec) for asset in defs.resolve_asset_graph().assets_defs for spec in asset.check_specs}
Path(sys.argv[1]).write_text("\\n".join(sorted([*specs, *checks])))
print(len(specs), len(checks), "dbt.contracts" in sys.modules)
"""


def test_the_graph_is_the_same_whether_dagster_dbt_finds_dbt_or_not(tmp_path: Path) -> None:
    told = []
    for before, name in (("", "apart"), ("import dagster_dbt\n", "together")):
        answer = subprocess.run(
            [sys.executable, "-c", before + FACTS, str(tmp_path / name)],
            capture_output=True, text=True, check=True, cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "COMMISSIONS_HOME": str(tmp_path)},
        )  # fmt: skip
        told.append(answer.stdout.split())
    assert [is_loaded for _, _, is_loaded in told] == ["False", "True"]
    assert told[0][:2] == told[1][:2]
    assert int(told[0][0]) > 100 and int(told[0][1]) > 30
    assert (tmp_path / "apart").read_bytes() == (tmp_path / "together").read_bytes()
