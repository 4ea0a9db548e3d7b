"""`python -m benchmarks.copying HOME`: all marts of a finished home copied one by one, and two at a time, in turns.

Prints the medians of wall and CPU seconds with their ratios; 1 when the two copies differ in their rows.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.report import table
from orchestration.warehouse.machine_limits import limits
from orchestration.warehouse.readable import ReadableWarehouse

WAYS = ("one by one", "two at a time")


def copied(home: Path, way: str, folder: Path) -> tuple[float, float, dict[str, int]]:
    """Copy all marts into a new file: wall seconds, CPU seconds and the rows of each."""
    copy = folder / "marts.duckdb"
    copy.unlink(missing_ok=True)
    wall, cpu = time.perf_counter(), time.process_time()
    with ReadableWarehouse(home / "warehouse.duckdb", copy, config=limits(home)) as readable:
        names = readable.marts
        rows = (
            {name: readable.copy_mart(name) for name in names}
            if way == WAYS[0]
            else readable.copy_marts(names)
        )
        readable.close_copy()
    return time.perf_counter() - wall, time.process_time() - cpu, rows


def main() -> int:
    """Measure both in turns and print them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.copying", description=__doc__)
    parser.add_argument("home", type=Path, help="home of a finished run; it is only read")
    parser.add_argument("--repeat", type=int, default=3, help="rounds; the median counts")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="copying_") as folder:
        rounds = [
            {way: copied(arguments.home.resolve(), way, Path(folder)) for way in WAYS}
            for _ in range(arguments.repeat)
        ]
    figures = []
    for index, name in enumerate(("wall", "CPU")):
        one, two = (statistics.median(float(by_way[way][index]) for by_way in rounds) for way in WAYS)  # type: ignore[arg-type]
        figures.append([name, f"{one:.2f}", f"{two:.2f}", f"{one / two:.2f}"])
    print(table(["seconds", *WAYS, "ratio"], figures))
    return 0 if all(by_way[WAYS[0]][2] == by_way[WAYS[1]][2] for by_way in rounds) else 1


if __name__ == "__main__":
    sys.exit(main())
