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
        "import orchestration.cli",
        "from orchestration.cli import main; main(['--help'], standalone_mode=False)",
        # A home is made: the settings alone.
        "from orchestration.settings import RunSettings; RunSettings.from_env().prepare({})",
    ],
)
def test_the_command_line_imports_nothing_heavy(code: str, tmp_path: Path) -> None:
    assert imported(code, tmp_path) == set()


def test_what_sends_alerts_is_found_when_it_is_asked_for(tmp_path: Path) -> None:
    assert "dlt" in imported("from orchestration.alerts import Alert, Sent, flush, send_alerts", tmp_path)


def test_a_run_says_something_before_it_imports_anything_heavy(tmp_path: Path) -> None:
    code = (
        "import click, sys; from orchestration.cli import main\n"
        "class Said(Exception): pass\n"
        "def echo(*_args, **_options): raise Said\n"
        "click.echo = echo\n"
        "try: main(['run'], standalone_mode=False)\n"
        "except Said: pass"
    )
    assert imported(code, tmp_path) == set()
