"""One COMMISSIONS_HOME, and the commands on it."""

import csv
import gzip
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

ROOT = Path(__file__).resolve().parents[3]
SAMPLE = ROOT / "ingestion" / "sample"


@dataclass
class Installation:
    """One COMMISSIONS_HOME, and the commands on it."""

    home: Path

    def command(self, *arguments: str, root: Path = ROOT, **env: str) -> dict[str, Any]:
        """What subprocess needs to start a command."""
        # What ran in this process before may have left its DAGSTER_HOME.
        clean = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("COMMISSIONS_") and name != "DAGSTER_HOME"
        }
        return {
            "args": [sys.executable, "-m", "orchestration", *arguments],
            "cwd": root,
            "env": {**clean, "COMMISSIONS_HOME": str(self.home), **env},
        }

    def commissions(self, *arguments: str, root: Path = ROOT, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            **self.command(*arguments, root=root, **env), capture_output=True, text=True, check=False
        )

    def done(self, *arguments: str, **env: str) -> str:
        """Run a command that must succeed; returns what it printed."""
        answer = self.commissions(*arguments, **env)
        assert answer.returncode == 0, answer.stdout + answer.stderr
        return answer.stdout

    def refused(self, *arguments: str, **env: str) -> str:
        """Run a command that must be refused; returns why."""
        answer = self.commissions(*arguments, **env)
        assert answer.returncode == 1, answer.stdout + answer.stderr
        assert "Traceback" not in answer.stderr
        return answer.stderr

    @property
    def published(self) -> Path:
        return self.home / "published" / "marts.duckdb"

    def ask(self, query: str) -> list[Any]:
        with duckdb.connect(str(self.published), read_only=True) as marts:
            return marts.execute(query).fetchall()


def edited_sample(extracts: Path, table: str, edit: Callable[[list[dict[str, str]]], None]) -> Path:
    """Copy the sample's extracts with one table ("crm/Opportunity") edited in place; returns the folder."""
    shutil.copytree(SAMPLE, extracts, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    packed = extracts / f"{table}.csv.gz"
    with gzip.open(packed, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    packed.unlink()
    edit(rows)
    with (extracts / f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return extracts
