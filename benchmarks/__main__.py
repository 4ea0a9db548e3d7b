"""`python -m benchmarks SIZES...`: the whole calculation against hand-written SQL, at each number of deals."""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import duckdb

from benchmarks import company, plans, report
from benchmarks.project import ROOT, BenchmarkError, Cost, DbtRun, Project, measured

COMPARISON = """
select count(*),
  count(*) filter (project.payout_amount is distinct from hand.amount or project.line_count is distinct from hand.line_count),
  sum(project.line_count), sum(project.payout_amount)::decimal(18, 2)
from project.marts.fct_payouts as project
full join hand.payouts as hand
  on project.payee_id = hand.payee_id and project.plan_id = hand.plan_id and project.period_code = hand.month
"""


def compare(warehouse: Path, results: Path) -> dict[str, Any]:
    """Compare all payouts of both sides, cell by cell: amount and number of lines."""
    with duckdb.connect() as connection:
        connection.execute(
            f"attach '{warehouse}' as project (read_only); attach '{results}' as hand (read_only)"
        )
        row = connection.execute(COMPARISON).fetchone()
    payouts, differing, lines, amount = row or (0, 0, 0, 0)
    return {"payouts": payouts, "differing": differing, "lines": int(lines or 0), "amount": str(amount)}


def run_baseline(project: Project, results: Path) -> tuple[Cost, dict[str, float]]:
    """Run the hand-written SQL in a process of its own, into a new file."""
    for leftover in (results, results.with_name(results.name + ".wal")):
        leftover.unlink(missing_ok=True)
    code = (
        "import json, sys; from pathlib import Path; from benchmarks import baseline; "
        "print(json.dumps(baseline.run(*map(Path, sys.argv[1:]))))"
    )
    files = [str(project.warehouse), str(project.seeds), str(results)]
    cost, output = measured([sys.executable, "-c", code, *files])
    return cost, json.loads(output.splitlines()[-1])


def _median_run(runs: list[DbtRun]) -> DbtRun:
    return sorted(runs, key=lambda run: run.cost.seconds)[len(runs) // 2]


def measure(deals: int, home: Path, sql: Path, repeat: int, changed: bool) -> dict[str, Any]:
    """Measure one size; project and baseline take turns, the median of `repeat` runs counts."""
    home = home / str(deals)
    shutil.rmtree(home, ignore_errors=True)
    plans.write_seeds(home / "seeds", ROOT / "seeds", deals)
    project = Project(home, sql, home / "seeds")
    results = home / "baseline.duckdb"
    company.build(project.warehouse, deals)
    seeding = project.dbt("seed")
    runs, hand_runs = [], []
    startup = project.dbt("run", "--select", "stg_crm__users").seconds
    for _ in range(repeat):
        hand_runs.append(run_baseline(project, results))
        runs.append(project.run())
    run = _median_run(runs)
    hand_cost, hand_stages = sorted(hand_runs, key=lambda pair: pair[0].seconds)[len(hand_runs) // 2]
    result: dict[str, Any] = {
        "deals": deals,
        "check": compare(project.warehouse, results),
        "project": asdict(run.cost)
        | {
            "stages": run.stages,
            "slowest": sorted(run.models.items(), key=lambda pair: -pair[1])[:8],
            "models": run.models,
            "model_seconds": sum(run.models.values()),
            "net_seconds": statistics.median(one.cost.seconds for one in runs) - startup,
            "startup_seconds": startup,
            "seed_seconds": seeding.seconds,
            "publish_seconds": project.publish().seconds,
            "file_bytes": project.warehouse.stat().st_size,
        },
        "baseline": {
            "seconds": sum(seconds for stage, seconds in hand_stages.items() if stage != "seeds"),
            "wall_seconds": hand_cost.seconds,
            "cpu_seconds": hand_cost.cpu_seconds,
            "peak_bytes": hand_cost.peak_bytes,
            "stages": hand_stages,
            "file_bytes": results.stat().st_size,
        },
    }
    if changed:
        result["changed_deal"] = _after_a_change(project, results, startup)
    return result


def _after_a_change(project: Project, results: Path, startup: float) -> dict[str, Any]:
    """Land a new version of one deal, run both sides again and compare again."""
    deal = company.change_one_deal(project.warehouse)
    run = project.run()
    run_baseline(project, results)
    check = compare(project.warehouse, results)
    seconds = run.cost.seconds
    return {
        "deal": deal,
        "seconds": seconds,
        "net_seconds": seconds - startup,
        "differing": check["differing"],
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "sizes", nargs="+", type=int, metavar="DEALS", help="numbers of deals, for example 10000 100000"
    )
    parser.add_argument(
        "--home", type=Path, help="folder to work in; kept (default: a temporary one, removed)"
    )
    parser.add_argument("--sql", type=Path, default=ROOT / "dbt_project", help="the dbt project to measure")
    parser.add_argument(
        "--repeat", type=int, default=1, help="runs of each side, in turns; the median counts"
    )
    parser.add_argument("--no-change", action="store_true", help="leave out the run after one changed deal")
    parser.add_argument("--json", type=Path, help="write all figures to this file as well")
    return parser.parse_args()


def main() -> int:
    """Measure all sizes and print them; 1 when a payout differs."""
    arguments = _arguments()
    home = arguments.home or Path(tempfile.mkdtemp(prefix="benchmarks_"))
    results = []
    try:
        for deals in arguments.sizes:
            results.append(
                measure(
                    deals, home.resolve(), arguments.sql.resolve(), arguments.repeat, not arguments.no_change
                )
            )
            print(report.one_size(results[-1]), flush=True)
            if not arguments.home:
                shutil.rmtree(home / str(deals))
    except BenchmarkError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    finally:
        if not arguments.home:
            shutil.rmtree(home, ignore_errors=True)
    print(report.growth(results))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2, default=str) + "\n", encoding="utf-8")
    differing = sum(
        result["check"]["differing"] + result.get("changed_deal", {}).get("differing", 0)
        for result in results
    )
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
