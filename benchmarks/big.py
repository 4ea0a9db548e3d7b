"""`python -m benchmarks.big`: a company of 100,000 deals through `commissions run`, twice, as its users run it.

Prints what each run took and left behind. Fails when a run fails, the summary is longer than a screen, or the second run, over
the same data, changed a payout or made a file longer.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import duckdb

from benchmarks import plans
from benchmarks.company import LAST_DAY
from benchmarks.extracts import write_extracts
from benchmarks.project import ROOT, BenchmarkError, Cost, measured
from benchmarks.report import MEGABYTE
from orchestration.warehouse.compaction import DROP_BYTES_MIN

DEALS = 100_000
SCREEN_LINES = 60
# A file may end with a few more free blocks than before.
GROWTH_MAX = 1.05
FILES = ("warehouse.duckdb", "published/marts.duckdb")
PAYOUTS = """
select count(*), coalesce(sum(payout_amount), 0)::varchar, coalesce(bit_xor(hash(payout_key, payout_amount, currency_code)), 0)
from marts.fct_payouts
"""


@dataclass
class Result:
    """One run of the command: its cost, and what it left. Sizes in bytes; ``payouts`` are count, sum and hash."""

    cost: Cost
    output: str
    sizes: dict[str, int]
    payouts: tuple[int, str, int]
    published_rows: int
    summary: list[str]
    summary_cost: Cost


class Company:
    """A home with its extracts and seeds."""

    def __init__(self, folder: Path, deals: int) -> None:
        self.home = folder / "home"
        extracts, seeds = folder / "extracts", folder / "seeds"
        shutil.rmtree(self.home, ignore_errors=True)
        write_extracts(extracts, deals)
        plans.write_seeds(seeds, ROOT / "seeds", deals)
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("COMMISSIONS_", "DBT_")) or name == "COMMISSIONS_MEMORY_LIMIT"
        }
        self.environment = kept | {
            "COMMISSIONS_HOME": str(self.home),
            "COMMISSIONS_EXTRACTS": str(extracts),
            "COMMISSIONS_SEEDS": str(seeds),
            "COMMISSIONS_AS_OF_DATE": LAST_DAY,
        }
        self.environment.pop("DAGSTER_HOME", None)

    def commissions(self, *arguments: str) -> tuple[Cost, str]:
        """Run a command. Raises BenchmarkError with what it said when it fails."""
        return measured([sys.executable, "-m", "orchestration", *arguments], self.environment)

    def run(self, *options: str) -> Result:
        """Run once, and look at what it left."""
        cost, output = self.commissions("run", *options)
        summary_cost, summary = self.commissions("summary")
        with duckdb.connect(":memory:") as connection:
            connection.execute(f"attach '{self.home / FILES[1]}' as marts (read_only)")
            payouts = connection.execute(PAYOUTS).fetchone()
            rows = connection.execute(
                "select sum(estimated_size)::bigint from duckdb_tables() where database_name = 'marts'"
            ).fetchone()
        return Result(
            cost,
            output,
            {name: (self.home / name).stat().st_size for name in FILES},
            payouts or (0, "", 0),
            rows[0] if rows else 0,
            summary.rstrip().splitlines(),
            summary_cost,
        )


def report(name: str, result: Result) -> str:
    """The figures of one run for a terminal."""
    sizes = ", ".join(f"{file} {size / MEGABYTE:.0f} MB" for file, size in result.sizes.items())
    return (
        f"{name}: {result.cost.seconds:.0f} s, CPU {result.cost.cpu_seconds:.0f} s, "
        f"peak {result.cost.peak_bytes / MEGABYTE:.0f} MB; {sizes}\n"
        f"  {result.payouts[0]:,} payouts, {result.payouts[1]} in all; {result.published_rows:,} published rows\n"
        f"  summary of {len(result.summary)} lines in {result.summary_cost.seconds:.1f} s "
        f"(CPU {result.summary_cost.cpu_seconds:.1f} s)"
    )


def problems(first: Result, second: Result) -> list[str]:
    """What must not be so after two runs over the same data."""
    found = [
        f"the summary has {len(result.summary)} lines; a screen has {SCREEN_LINES}"
        for result in (first, second)
        if len(result.summary) > SCREEN_LINES
    ]
    if first.payouts != second.payouts:
        found.append(f"the second run changed payouts: {first.payouts} became {second.payouts}")
    for file, size in first.sizes.items():
        if second.sizes[file] > max(GROWTH_MAX * size, DROP_BYTES_MIN):
            found.append(
                f"the second run made {file} longer: "
                f"{size / MEGABYTE:.0f} MB became {second.sizes[file] / MEGABYTE:.0f} MB"
            )
    return found


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.big", description=__doc__)
    parser.add_argument("--deals", type=int, default=DEALS, help="number of deals (default: 100000)")
    parser.add_argument(
        "--home", type=Path, help="folder to work in; kept (default: a temporary one, removed)"
    )
    return parser.parse_args()


def main() -> int:
    """Run twice and print both; 1 when something is not as it must be."""
    arguments = _arguments()
    folder = (arguments.home or Path(tempfile.mkdtemp(prefix="big_"))).resolve()
    try:
        company = Company(folder, arguments.deals)
        first = company.run()
        print(report(f"{arguments.deals:,} deals, first run", first), flush=True)
        second = company.run("--full")
        print(report("second run, everything from scratch over the same data", second), flush=True)
        print("\n".join(["", *second.summary]))
    except BenchmarkError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    finally:
        if not arguments.home:
            shutil.rmtree(folder, ignore_errors=True)
    found = problems(first, second)
    for problem in found:
        print(f"error: {problem}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
