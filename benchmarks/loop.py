"""`python -m benchmarks.loop`: what an edit costs on the bundled company, each step beside a full run in the same minutes.

Five commands in one new home: the first run, a run in which nothing has changed, a run and a preview after one changed rate, and
a full run, which is the baseline of the ratios: it lands, builds and checks everything. Prints wall time, CPU (children
included) and the ratio to the baseline.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.project import ROOT, BenchmarkError, Cost, measured
from benchmarks.report import MEGABYTE

RATE = "reseller,2011-05-31,,2,1,1.5,@@BaseRate * {factor}"
BASELINE = "full run"


def edit(seeds: Path, before: str, after: str) -> None:
    """Change the factor of one tier, as an analyst would."""
    path = seeds / "plans" / "tiers.csv"
    text, old = path.read_text(encoding="utf-8"), RATE.format(factor=before)
    if old not in text:
        raise BenchmarkError(f"{path} has no line {old}; the benchmark has to follow the sample's plan")
    path.write_text(text.replace(old, RATE.format(factor=after)), encoding="utf-8")


def measure(folder: Path) -> dict[str, Cost]:
    """The cost of each step, by its name. Raises BenchmarkError when a command fails."""
    seeds = folder / "seeds"
    shutil.copytree(ROOT / "seeds", seeds)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("COMMISSIONS_")}
    clean.pop("DAGSTER_HOME", None)
    environment = {**clean, "COMMISSIONS_HOME": str(folder / "home"), "COMMISSIONS_SEEDS": str(seeds)}

    def commissions(*arguments: str) -> Cost:
        return measured([sys.executable, "-m", "orchestration", *arguments], environment)[0]

    costs = {"first run": commissions("run"), "nothing changed": commissions("run")}
    edit(seeds, "1.5", "1.6")
    costs["preview of one changed rate"] = commissions("preview")
    costs["run of one changed rate"] = commissions("run")
    costs[BASELINE] = commissions("run", "--full")
    return costs


def table(costs: dict[str, Cost]) -> str:
    """The steps as Markdown."""
    base = costs[BASELINE]
    lines = ["| step | wall s | CPU s | peak MB | wall ratio | CPU ratio |", "|---|---|---|---|---|---|"]
    for name, cost in costs.items():
        lines.append(
            f"| {name} | {cost.seconds:.1f} | {cost.cpu_seconds:.1f} | {cost.peak_bytes / MEGABYTE:.0f} "
            f"| {cost.seconds / base.seconds:.2f} | {cost.cpu_seconds / base.cpu_seconds:.2f} |"
        )
    return "\n".join(lines)


def main() -> int:
    """Measure and print; 1 when a command fails."""
    with tempfile.TemporaryDirectory(prefix="loop_") as folder:
        try:
            print(table(measure(Path(folder))))
        except BenchmarkError as error:
            print(error, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
