"""The benchmark's tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

MEGABYTE = 1_000_000


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [list(header), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "  " + "  ".join(cell.ljust(width) if not column else cell.rjust(width)
                         for column, (cell, width) in enumerate(zip(line, widths, strict=True)))
        for line in lines
    )  # fmt: skip


def _ratio(project: float, baseline: float) -> str:
    return f"{project / baseline:.1f}" if baseline else "-"


def one_size(result: dict[str, Any]) -> str:
    """The stages of one size, project against hand-written SQL."""
    project, baseline = result["project"], result["baseline"]
    stages = sorted(set(project["stages"]) | set(baseline["stages"]) - {"seeds"}, key=_order)
    rows = [
        [
            stage,
            f"{project['stages'].get(stage, 0):.2f}",
            f"{baseline['stages'].get(stage, 0):.2f}",
            _ratio(project["stages"].get(stage, 0), baseline["stages"].get(stage, 0)),
        ]
        for stage in stages
    ]
    rows.append(_totals("all models", project["model_seconds"], baseline["seconds"]))
    rows.append(_totals("wall, net of start-up", project["net_seconds"], baseline["seconds"]))
    rows.append(["wall", f"{project['seconds']:.2f}", f"{baseline['wall_seconds']:.2f}", ""])
    rows.append(_totals("CPU", project["cpu_seconds"], baseline["cpu_seconds"]))
    rows.append(
        ["peak memory, MB", *(f"{side['peak_bytes'] / MEGABYTE:.0f}" for side in (project, baseline)), ""]
    )
    rows.append(["file, MB", *(f"{side['file_bytes'] / MEGABYTE:.0f}" for side in (project, baseline)), ""])
    check = result["check"]
    verdict = "agree to the cent" if not check["differing"] else f"{check['differing']} DIFFER"
    slowest = ", ".join(f"{name} {seconds:.2f}" for name, seconds in project["slowest"])
    changed = result.get("changed_deal")
    after = (
        f"\n  after one changed deal ({changed['deal']}): whole run {changed['seconds']:.2f} s, "
        f"net {changed['net_seconds']:.2f} s, {changed['differing']} payouts differ"
        if changed
        else ""
    )
    return (
        f"{result['deals']:,} deals: {check['payouts']:,} payouts of {check['lines']:,} lines, "
        f"{check['amount']} USD, {verdict}\n"
        f"{table(['seconds', 'project', 'by hand', 'ratio'], rows)}\n"
        f"  start-up of dbt {project['startup_seconds']:.2f} s, seeds {project['seed_seconds']:.2f} s, "
        f"publishing with all reports {project['publish_seconds']:.2f} s\n"
        f"  slowest: {slowest}{after}\n"
    )


def _order(stage: str) -> tuple[int, str]:
    return {"staging": 0, "marts": 2}.get(stage, 1), stage


def _totals(name: str, project: float, baseline: float) -> list[str]:
    return [name, f"{project:.2f}", f"{baseline:.2f}", _ratio(project, baseline)]


def growth(results: list[dict[str, Any]]) -> str:
    """How seconds grow from each size to the next."""
    rows = []
    for smaller, larger in pairwise(results):
        rows.append(
            [
                f"{smaller['deals']:,} to {larger['deals']:,}",
                _ratio(larger["deals"], smaller["deals"]),
                _ratio(larger["project"]["net_seconds"], smaller["project"]["net_seconds"]),
                _ratio(larger["baseline"]["seconds"], smaller["baseline"]["seconds"]),
            ]
        )
    return table(["growth", "deals", "project", "by hand"], rows) if rows else ""
