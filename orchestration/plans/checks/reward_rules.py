"""What bonuses and modifiers must agree on with the plan that they belong to."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from orchestration.plans.checks.problems import Problem
from orchestration.plans.checks.tables import Company, Row


def bonus_rules(company: Company) -> Iterator[Problem]:
    """The cells that a kind of bonus has, its range, and the plan's calendar and quota."""
    for bonus in company["bonuses"]:
        for column, message, fix in (*_bonus_faults(bonus), *_range_faults(bonus)):
            yield bonus.problem(
                column, f"bonus {bonus['bonus_number']} of plan '{bonus['plan_id']}' {message}", fix
            )
        for plan in company.versions(bonus):
            for column, message, fix in _bonus_plan_faults(bonus, plan):
                yield bonus.problem(
                    column, f"bonus {bonus['bonus_number']} of plan '{bonus['plan_id']}' {message}", fix
                )
    yield from _rank_overlaps(company)


def _bonus_faults(bonus: Row) -> Iterator[tuple[str, str, str]]:
    kind = bonus["bonus_kind_code"]
    if bonus["amount_to_expression"] and kind != "linear":
        fix = "Leave it empty, or write bonus_kind_code linear"
        yield "amount_to_expression", f"is a {kind} and has a second amount", fix
    if bonus["amount_to_expression"] and kind == "linear" and not bonus["basis_to"]:
        fix = "Write where the second amount is reached, or leave amount_to_expression empty"
        yield "basis_to", "rises to a second amount at no end", fix
    if bonus["frequency_code"] == "month" and kind in ("rank", "pool"):
        fix = "Write frequency_code window"
        yield "frequency_code", f"is a {kind}, which is known when the window ends, and due each month", fix


def _range_faults(bonus: Row) -> Iterator[tuple[str, str, str]]:
    low, high = bonus.number_in("basis_from"), bonus.number_in("basis_to")
    if low is not None and high is not None and high <= low:
        yield "basis_to", f"ends at {high}, not above its start {low}", "Raise basis_to"
    if bonus["bonus_kind_code"] != "rank":
        return
    for column, number in (("basis_from", low), ("basis_to", high)):
        if number is not None and number != number.to_integral_value():
            yield column, f"is a rank and has the position {number}", "Write a whole number, 1 for the first"
    if low is not None and low < 1:
        yield "basis_from", f"is a rank and starts at position {low}", "Write 1 for the first"


def _bonus_plan_faults(bonus: Row, plan: Row) -> Iterator[tuple[str, str, str]]:
    calendar = plan["calendar_id"]
    if calendar == "transaction":
        fix = "Give the bonus to a plan that counts by month, quarter or year"
        yield "", "looks at a window, and the plan's calendar is transaction", fix
    if calendar == "life" and bonus["frequency_code"] != "month":
        fix = "Write frequency_code month"
        yield "frequency_code", "is due when the window ends, and the plan's calendar life never ends", fix
    if bonus["basis_code"] == "attainment_ratio" and not plan["quota_expression"]:
        fix = "Write quota_expression in seeds/plans/plans.csv, or basis_code attained_amount"
        yield "basis_code", "looks at the attainment ratio, and the plan has no quota", fix


def _rank_overlaps(company: Company) -> Iterator[Problem]:
    ranks = [row for row in company["bonuses"] if row["bonus_kind_code"] == "rank"]
    ranks.sort(
        key=lambda row: (row["plan_id"], row["basis_code"], row.number_in("basis_from") or 0, row.number)
    )
    for one, other in itertools.combinations(ranks, 2):
        if (one["plan_id"], one["basis_code"]) != (other["plan_id"], other["basis_code"]):
            continue
        end, start = one.number_in("basis_to"), other.number_in("basis_from")
        if one.meets(other) and start is not None and (end is None or start < end):
            yield one.problem(
                "basis_to",
                f"bonuses {one['bonus_number']} and {other['bonus_number']} of plan '{one['plan_id']}' both give "
                f"a prize to position {start}",
                f"End row {one.number} where row {other.number} starts: basis_to {start}",
                other,
            )


def modifier_rules(company: Company) -> Iterator[Problem]:
    """The cells that a kind of modifier has, and the plan that its condition looks at."""
    for modifier in company["modifiers"]:
        label = f"modifier {modifier['modifier_number']} ({modifier['modifier_kind_code']}) of plan '{modifier['plan_id']}'"
        for column, message, fix in (*_modifier_faults(modifier), *_condition_faults(modifier)):
            yield modifier.problem(column, f"{label} {message}", fix)
        for plan in company.versions(modifier):
            if (
                plan["calendar_id"] == "transaction"
                and modifier["modifier_kind_code"] == "floor"
                and modifier["scope_code"] in ("month", "year")
            ):
                yield modifier.problem(
                    "scope_code",
                    f"{label} tops up a {modifier['scope_code']}, and the plan's calendar is transaction",
                    "Write scope_code deal, or calendar_id month",
                )
        yield from _condition_plan_problems(company, modifier, label)


def _modifier_faults(modifier: Row) -> Iterator[tuple[str, str, str]]:
    kind, amount, scope = (
        modifier["modifier_kind_code"],
        modifier["amount_expression"],
        modifier["scope_code"],
    )
    if kind == "gate" and amount:
        yield (
            "amount_expression",
            "lets pass all or nothing and has an amount",
            "Leave it empty, or write multiplier",
        )
    if kind in ("multiplier", "floor", "cap") and not amount:
        example = "1.2" if kind == "multiplier" else "10000"
        yield (
            "amount_expression",
            "has no amount",
            f"Write the {'factor' if kind == 'multiplier' else 'amount'}, {example}",
        )
    if kind in ("floor", "cap") and not scope:
        yield "scope_code", "does not say over what it adds up", "Write deal, month or year"
    if kind in ("gate", "multiplier") and scope:
        yield "scope_code", f"is applied to each reward and has the scope {scope}", "Leave it empty"


def _condition_faults(modifier: Row) -> Iterator[tuple[str, str, str]]:
    kind, plan_id = modifier["modifier_kind_code"], modifier["condition_plan_id"]
    low, high = modifier.number_in("condition_from"), modifier.number_in("condition_to")
    filled = [c for c in ("condition_plan_id", "condition_from", "condition_to") if modifier[c]]
    if kind in ("floor", "cap"):
        if filled:
            yield filled[0], "always holds and has a condition", "Leave the condition cells empty"
        return
    if kind == "gate" and not plan_id:
        fix = "Write the plan whose attainment decides, and condition_from"
        yield "condition_plan_id", "has no condition to open by", fix
    elif filled and not plan_id:
        yield "condition_plan_id", "has a condition of no plan", "Write the plan whose attainment decides"
    if plan_id and not modifier["condition_from"]:
        fix = "Write the attainment ratio from which it holds, 1 for 100 %, or 0"
        yield "condition_from", "has a condition without a start", fix
    if low is not None and high is not None and high <= low:
        yield (
            "condition_to",
            f"has a condition that ends at {high}, not above its start {low}",
            "Raise condition_to",
        )


def _condition_plan_problems(company: Company, modifier: Row, label: str) -> Iterator[Problem]:
    plan_id = modifier["condition_plan_id"]
    if not plan_id:
        return
    versions = list(company.versions(modifier, plan_id))
    if not versions and company.of_plan("plans", plan_id):
        yield modifier.problem(
            "condition_plan_id",
            f"{label} looks at plan '{plan_id}', which has no version while the modifier holds",
            "Correct the plan or the dates",
        )
    for plan in versions:
        if not plan["quota_expression"]:
            yield modifier.problem(
                "condition_plan_id",
                f"{label} looks at the attainment of plan '{plan_id}', which has no quota",
                "Name a plan with a quota_expression, or write one in seeds/plans/plans.csv",
            )
        if plan["calendar_id"] == "transaction":
            yield modifier.problem(
                "condition_plan_id",
                f"{label} looks at the attainment of plan '{plan_id}', whose calendar transaction has no windows",
                "Name a plan that counts by month, quarter or year",
            )
