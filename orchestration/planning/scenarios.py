"""Scenarios side by side in one build: each is a copy of every plan that sees the won deals and its own open ones.

A plan is what everything after filtering is keyed by: credits, running totals, tiers, bonuses and caps of a copy are its own, and its
payees, teams and variables are those of the plan. The plans themselves see no open deal: what holds. So one build of the real
models gives all scenarios, and nothing is calculated twice in different words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from orchestration.planning.open_deals import NUMBER
from orchestration.planning.scratch import Cells, PlanningError, read_rows, seed_file, write_rows

MARK = "~"
CONTROL = "control"
ALL = "all"
# Seeds whose rows belong to a plan; each scenario has its own.
OF_A_PLAN = (
    "plan_assignments", "tiers", "rates", "bonuses", "modifiers", "payout_terms", "credit_rules", "rollup_levels",
)  # fmt: skip


def scenario_of(plan_id: str, scenario: str) -> str:
    """The plan's name in a scenario."""
    return f"{plan_id}{MARK}{scenario}"


def write_scenarios(seeds: Path, original: Path, scenarios: Sequence[str], planned: Iterable[str]) -> None:
    """Write the seeds of a build: the plans as they are, and a copy of each for every scenario.

    Args:
        original: the seeds as they are.
        scenarios: `control` (no open deal), `all`, or the number of the one open deal that closes.
        planned: source objects that have open deals.
    """
    of_pipeline = set(planned)
    header, plans = read_rows(seed_file(original, "plans"))
    if marked := [plan["plan_id"] for plan in plans if MARK in plan["plan_id"]]:
        raise PlanningError(f"plan '{marked[0]}' has a {MARK} in its name, which names scenarios; rename it")

    def filtered(plan: Cells, condition: str) -> Cells:
        if plan["source_object"] not in of_pipeline or not condition:
            return plan
        return {**plan, "filter_expression": f"({plan['filter_expression']}) and ({condition})"}

    def plan_in(plan: Cells, scenario: str) -> Cells:
        progress = plan.get("progress_id") or ""
        return {
            **filtered(plan, _condition(scenario)),
            "plan_id": scenario_of(plan["plan_id"], scenario),
            "progress_id": progress and scenario_of(progress, scenario),
        }

    written = [filtered(plan, _condition(CONTROL)) for plan in plans]
    written += [plan_in(plan, scenario) for scenario in scenarios for plan in plans]
    write_rows(seed_file(seeds, "plans"), header, written)

    known = {plan["plan_id"] for plan in plans}
    for name in OF_A_PLAN:
        _copied(
            seeds,
            original,
            name,
            scenarios,
            lambda row: row["plan_id"] in known,
            ("plan_id", "condition_plan_id"),
        )
    _copied(
        seeds, original, "variables", scenarios, lambda row: row["scope_code"] == "plan" and row["scope_id"] in known,
        ("scope_id",),
    )  # fmt: skip


def _condition(scenario: str) -> str:
    if scenario == ALL:
        return ""
    if scenario == CONTROL:
        return f"{NUMBER} is null"
    return f"{NUMBER} is null or {NUMBER} = {scenario}"


def _copied(
    seeds: Path,
    original: Path,
    name: str,
    scenarios: Sequence[str],
    belongs: Callable[[Cells], bool],
    renamed: tuple[str, ...],
) -> None:
    header, rows = read_rows(seed_file(original, name))
    copies = [
        {**row, **{column: scenario_of(row[column], scenario) for column in renamed if row.get(column)}}
        for scenario in scenarios
        for row in rows
        if belongs(row)
    ]
    write_rows(seed_file(seeds, name), header, [*rows, *copies])
