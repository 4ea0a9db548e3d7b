"""`python -m benchmarks.breaks`: break twelve things on purpose; each has to be caught before anything is published.

A copy of the project runs once over the bundled company. Then each break is made by itself in the copy, `commissions run` has
to fail, and the published file has to be what it was, byte for byte. Prints what caught each break, and after how many
seconds; 1 when one was not caught.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from benchmarks.project import ROOT, BenchmarkError
from orchestration.calculation.fingerprints import file_hash

PARTS = ("dbt_project", "ingestion", "orchestration", "seeds")
MARTS = "dbt_project/models/marts"
SHOWN_MAX = 160
LEDGER_KEY = "(select min(ledger_line_key) from final)"
FAILED = "FAILED"


@dataclass(frozen=True)
class Break:
    """One break: the file, found by its pattern, and how its bytes change."""

    name: str
    path: str
    change: Callable[[bytes], bytes]


@dataclass(frozen=True)
class Outcome:
    """What a run said of a break. ``caught_by`` is empty where it was not caught."""

    name: str
    caught_by: str
    seconds: float
    cpu_seconds: float
    is_published_unchanged: bool

    @property
    def is_good(self) -> bool:
        """Whether the break was caught, and readers keep what they had."""
        return bool(self.caught_by) and self.is_published_unchanged


def _instead(before: str, after: str) -> Callable[[bytes], bytes]:
    """Write ``after`` instead of the last ``before``."""

    def change(content: bytes) -> bytes:
        text = content.decode()
        if before not in text:
            raise BenchmarkError(f"there is no {before!r} to break; the breaks have to follow the project")
        at = text.rindex(before)
        return (text[:at] + after + text[at + len(before) :]).encode()

    return change


def _overlapping(content: bytes) -> bytes:
    """The first row once more, a day later."""
    first = content.decode().splitlines()[1]
    day = re.search(r"\d{4}-\d\d-\d\d", first)
    if day is None:
        raise BenchmarkError("the first assignment has no date")
    later = str(date.fromisoformat(day[0]) + timedelta(days=1))
    return content.rstrip(b"\n") + f"\n{first.replace(day[0], later, 1)}\n".encode()


def _without_last_column(content: bytes) -> bytes:
    return b"\n".join(line.rpartition(b",")[0] for line in content.splitlines()) + b"\n"


def _torn(content: bytes) -> bytes:
    """The first half, to the middle of a row."""
    half = content[: len(content) // 2]
    end = half.rindex(b"\n")
    return content[: end + 5]


BREAKS = (
    Break(
        "a wrong cent in a line of the ledger",
        f"{MARTS}/*/fct_ledger_lines.sql",
        _instead(
            "line_amount::decimal(18, 4) as line_amount",
            f"(line_amount + case when ledger_line_key = {LEDGER_KEY} then 0.01 else 0 end)::decimal(18, 4) as line_amount",
        ),
    ),
    Break(
        "a lost line of the ledger",
        f"{MARTS}/*/fct_ledger_lines.sql",
        _instead("from final", f"from final where ledger_line_key <> {LEDGER_KEY}"),
    ),
    Break(
        "a doubled credit",
        f"{MARTS}/*/fct_credits.sql",
        _instead(
            "select * from final", "select * from final union all (from final order by credit_id limit 1)"
        ),
    ),
    Break(
        "a payout that is not the sum of its lines",
        f"{MARTS}/*/fct_payouts.sql",
        _instead("sum(line_amount)::decimal", "(sum(line_amount) + 1)::decimal"),
    ),
    Break(
        "a float instead of a decimal",
        f"{MARTS}/*/fct_ledger_lines.sql",
        _instead("line_amount::decimal(18, 4) as", "line_amount::double as"),
    ),
    Break("a broken macro", "dbt_project/macros/first_of_month.sql", _instead("endmacro", "endmacr")),
    Break("a text in a number of a seed", "seeds/plans/tiers.csv", _instead(",2,1,1.5,", ",2,one,1.5,")),
    Break("an unknown plan", "seeds/plans/tiers.csv", _instead("reseller,2011-05-31,,2,", "reseler,2011-05-31,,2,")),
    Break("two assignments of one person at a time", "seeds/plans/plan_assignments.csv", _overlapping),
    Break("an unknown currency", "seeds/plans/plans.csv", _instead(",crm/Opportunity,USD,", ",crm/Opportunity,USS,")),
    Break("an extract that lacks a column", "ingestion/sample/hris/employees.csv", _without_last_column),
    Break("a torn extract", "ingestion/sample/hris/employees.csv", _torn),
)  # fmt: skip


class Company:
    """A copy of the project with a home that has run once."""

    def __init__(self, folder: Path) -> None:
        self.root, self.home, self._good = folder / "project", folder / "home", folder / "good"
        for part in PARTS:
            shutil.copytree(
                ROOT / part, self.root / part, ignore=shutil.ignore_patterns("logs", "__pycache__")
            )
        clean = {name: value for name, value in os.environ.items() if not name.startswith("COMMISSIONS_")}
        clean.pop("DAGSTER_HOME", None)
        self._environment = {
            **clean,
            "PYTHONPATH": str(self.root),
            "COMMISSIONS_HOME": str(self.home),
            "COMMISSIONS_EXTRACTS": str(self.root / "ingestion" / "sample"),
        }
        code, output, *_ = self._run()
        if code:
            raise BenchmarkError(f"the company does not run unbroken:\n{output[-4000:]}")
        shutil.copytree(self.home, self._good)

    def _run(self) -> tuple[int, str, float, float]:
        """The exit code, the output, wall and CPU seconds of a run."""
        started, before = time.perf_counter(), os.times()
        done = subprocess.run(
            [sys.executable, "-m", "orchestration", "run"],
            cwd=self.root,
            env=self._environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        after = os.times()
        cpu = after.children_user + after.children_system - before.children_user - before.children_system
        return done.returncode, done.stdout, time.perf_counter() - started, cpu

    def broken_by(self, one: Break) -> Outcome:
        """Make the break, run, and undo both."""
        [path] = self.root.glob(one.path)
        before, published = path.read_bytes(), self.home / "published" / "marts.duckdb"
        shown = file_hash(published)
        path.write_bytes(one.change(before))
        try:
            code, output, seconds, cpu = self._run()
        finally:
            path.write_bytes(before)
        caught = caught_by(output) if code else ""
        outcome = Outcome(one.name, caught, seconds, cpu, file_hash(published) == shown)
        shutil.rmtree(self.home)
        shutil.copytree(self._good, self.home)
        return outcome


def caught_by(output: str) -> str:
    """What a failed run says is wrong, in one line: the first test, model, cell or file that it names."""
    lines = output.splitlines()
    start = next((at for at, line in enumerate(lines) if line.startswith(FAILED)), len(lines) - 1)
    told: list[str] = []
    for line in lines[start + 1 :]:
        if line.startswith(("The published marts", "Full log")):
            break
        # A line without a space is the name of a file, which its problems repeat.
        if " " in line.strip():
            told.append(line.strip().removeprefix("- "))
    # "Compilation Error" alone says nothing; the line after it does.
    found = " ".join(told[: 2 if told and told[0].endswith("Error") else 1]) or lines[start]
    found = found.partition(". The rows: run")[0]
    return found if len(found) <= SHOWN_MAX else found[:SHOWN_MAX].rpartition(" ")[0] + " ..."


def table(outcomes: Sequence[Outcome]) -> str:
    """The outcomes as Markdown."""
    lines = ["| what is broken | wall s | CPU s | what caught it |", "|---|---|---|---|"]
    for one in outcomes:
        told = (one.caught_by or "NOT CAUGHT").replace("|", "\\|")
        word = "" if one.is_published_unchanged else " THE PUBLISHED FILE CHANGED"
        lines.append(f"| {one.name} | {one.seconds:.0f} | {one.cpu_seconds:.0f} | {told}{word} |")
    return "\n".join(lines)


def main() -> int:
    """Break all twelve, or those whose name contains a text; 1 when one was not caught."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.breaks", description=__doc__)
    parser.add_argument("--only", default="", help="the breaks whose name contains this text")
    chosen = parser.parse_args().only
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="breaks_") as folder:
        try:
            company = Company(Path(folder))
            for one in BREAKS:
                if chosen in one.name:
                    outcomes.append(company.broken_by(one))
                    print(
                        f"{one.name}: {outcomes[-1].caught_by or 'NOT CAUGHT'}", file=sys.stderr, flush=True
                    )
        except BenchmarkError as error:
            print(error, file=sys.stderr)
            return 1
    print(table(outcomes))
    return 0 if all(one.is_good for one in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
