"""Attainment: how far has a payee come in a window?"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise

from tests.calculation.oracle.company import Assignment, Company, Dated, PlanVersion, Window, in_force
from tests.calculation.oracle.exact import cut, sign
from tests.calculation.oracle.expressions import parse
from tests.calculation.oracle.results import Credit, Deduction, Move, WindowRow

Progress = tuple[str, str, str, str]  # progress id, payee, calendar, window


def progress_of(plan: PlanVersion, payee_id: str, window: Window, credit_id: str) -> Progress:
    """Return what accumulates together; a credit of a transaction calendar is alone."""
    code = credit_id if window.calendar_id == "transaction" else window.window_code
    return plan.progress_id or plan.plan_id, payee_id, window.calendar_id, code


def progress_of_move(move: Move) -> Progress:
    payee_id = move.credit.payee_id if isinstance(move, Deduction) else move.payee_id
    assert payee_id is not None and move.window is not None
    return progress_of(
        move.plan, payee_id, move.window, "" if isinstance(move, Deduction) else move.credit_id
    )


def place_moves(moves: Iterable[Move]) -> dict[Progress, list[Move]]:
    """Put all credits and deductions on the running totals of their windows; return them by window in order."""
    placed: dict[Progress, list[Move]] = defaultdict(list)
    for move in sorted(moves, key=lambda move: move.order):
        placed[progress_of_move(move)].append(move)
    for of_window in placed.values():
        total, payable, has_credit = Fraction(0), Fraction(0), False
        for move in of_window:
            if isinstance(move, Deduction):
                move.after = total = total + move.amount
                continue
            assert move.credited is not None and move.payable is not None
            is_counted = move.plan.aggregate_code == "count"
            if move.credited or move.payable:  # a credit of nothing is not the first
                move.is_first, has_credit = not has_credit, True
            move.before, move.payable_before = total, payable
            total += sign(move.credited) if is_counted else move.credited
            payable += move.payable
            move.after, move.payable_after = total, payable
    return placed


def window_rows(company: Company, moves: dict[Progress, list[Move]], as_of: date) -> dict[str, WindowRow]:
    """Return the windows of everybody who is assigned to a plan version, with and without credits."""
    rows: dict[str, WindowRow] = {}
    for plan in company.plans:
        if plan.calendar_id == "transaction":
            continue
        for payee_id in sorted({row.payee_id for row in company.assignments[plan.plan_id]}):
            for window in windows_of(company, plan, payee_id, as_of):
                row = window_row(company, plan, payee_id, window, moves)
                rows[row.window_key] = row
    for placed in moves.values():
        for credit in placed:
            if isinstance(credit, Credit) and credit.window_key not in rows:  # alone, or not there
                assert credit.payee_id is not None and credit.window is not None
                alone = credit.credit_id if credit.plan.calendar_id == "transaction" else ""
                row = window_row(company, credit.plan, credit.payee_id, credit.window, moves, alone)
                rows[row.window_key] = row
    return rows


def windows_of(company: Company, plan: PlanVersion, payee_id: str, as_of: date) -> list[Window]:
    """Return the windows in which the payee is on the plan version and there on a day up to `as_of`."""
    found: dict[str, Window] = {}
    for assignment in company.assignments_of(plan.plan_id, payee_id):
        first = max(assignment.valid_from, plan.valid_from)
        last = min(end_of(assignment), end_of(plan), as_of + timedelta(days=1)) - timedelta(days=1)
        for window in windows_between(company, plan.calendar_id, first, last):
            days = (max(first, window.window_from), min(last, window.window_to - timedelta(days=1)))
            if company.first_day_there(payee_id, *days):
                found[window.window_code] = window
    return list(found.values())


def end_of(row: Assignment | PlanVersion) -> date:
    return row.valid_to or date.max


def windows_between(company: Company, calendar_id: str, first: date, last: date) -> Iterator[Window]:
    if calendar_id in company.windows and first <= last:
        for window in company.windows[calendar_id]:
            if window.window_from <= last and first < window.window_to:
                yield window
    while first <= last and calendar_id not in company.windows:
        built_in = company.window_on(calendar_id, first)
        if built_in is None:
            return
        yield built_in
        first = built_in.window_to


def window_row(
    company: Company,
    plan: PlanVersion,
    payee_id: str,
    window: Window,
    moves: dict[Progress, list[Move]],
    credit_id: str = "",
) -> WindowRow:
    placed = moves.get(progress_of(plan, payee_id, window, credit_id), [])
    window_key = f"{plan.plan_id}|{plan.valid_from}|{payee_id}|{window.window_code}"
    if credit_id:
        window_key += f"|{credit_id}"
    parameters_date = first_assigned_day(company, plan, payee_id, window)
    row = WindowRow(
        window_key=window_key,
        plan=plan,
        payee_id=payee_id,
        window=window,
        end=min(window.window_to, end_of(plan)),
        parameters_date=parameters_date,
        quota=None,
        reason="plan_has_no_quota",
        moves=placed,
        credits=[move for move in placed if isinstance(move, Credit) and move.window_key == window_key],
    )
    if plan.quota_expression:
        row.quota = quota_of(company, row)
        row.reason = {None: "missing_quota", Fraction(0): "zero_quota"}.get(row.quota)
    row.attained = attained_to(row, row.end)
    row.ratio = ratio_of(row, row.attained)
    return row


def first_assigned_day(company: Company, plan: PlanVersion, payee_id: str, window: Window) -> date:
    """Return the first day of the plan version's part of the window on which the payee is on the plan and there.

    Where the payee is not there on any, what is still credited is read as if employment had gone on.
    """
    first, end = max(window.window_from, plan.valid_from), min(window.window_to, end_of(plan))
    stretches = [
        (max(row.valid_from, first), min(end_of(row), end))
        for row in company.assignments_of(plan.plan_id, payee_id)
        if row.valid_from < end and first < end_of(row)
    ]
    days = [company.first_day_there(payee_id, start, stop - timedelta(days=1)) for start, stop in stretches]
    return min((found for found in days if found), default=min(start for start, _ in stretches))


def is_ever_there(company: Company, plan: PlanVersion, payee_id: str, window: Window) -> bool:
    """Say whether the payee is on the plan and there on a day of the plan version's part of the window."""
    first, end = max(window.window_from, plan.valid_from), min(window.window_to, end_of(plan))
    return any(
        company.first_day_there(
            payee_id, max(row.valid_from, first), min(end_of(row), end) - timedelta(days=1)
        )
        for row in company.assignments_of(plan.plan_id, payee_id)
    )


def attained_to(row: WindowRow, day: date) -> Fraction | None:
    """Return the aggregate of all moves before the day, as the plan counts them; no average of nothing."""
    moves, code = row.moves_to(day), row.plan.aggregate_code
    if code in ("sum", "count"):
        return moves[-1].after if moves else Fraction(0)
    credits = row.credits_to(day)
    if not credits:
        return None
    credited = [credit.credited or Fraction(0) for credit in credits]
    if code == "average":
        return cut(sum(credited, Fraction(0)) / len(credits))
    weights = [credit.worth.weight or Fraction(0) for credit in credits]
    total = sum(weights, Fraction(0))
    weighted = sum((c * w for c, w in zip(credited, weights, strict=True)), Fraction(0))
    return cut(weighted / total) if total else None


def ratio_of(row: WindowRow, attained: Fraction | None) -> Fraction | None:
    return cut(attained / row.quota) if row.quota and attained is not None else None


# --- Numbers of a window -----------------------------------------------------------------------------------


def quota_of(company: Company, row: WindowRow) -> Fraction | None:
    expression = row.plan.quota_expression or ""
    if row.plan.quota_proration_code == "none":
        return company.number(expression, row.plan.plan_id, row.payee_id, row.parameters_date)
    total = sum_over_days(company, expression, row)
    return None if total is None else cut(total / days_in(row.window))


def days_in(window: Window) -> int:
    return (window.window_to - window.window_from).days


def sum_over_days(company: Company, expression: str, measured: WindowRow) -> Fraction | None:
    """Add up a number over the days of a window on which the payee is on the plan and there, in stretches of one value.

    Where the payee is not there on any, what is still credited is measured by all days on the plan.
    """
    plan_id, payee_id, window = measured.plan.plan_id, measured.payee_id, measured.window
    is_there = is_ever_there(company, measured.plan, payee_id, window)
    ends = {window.window_from, window.window_to}
    rows: list[Dated] = [*company.assignments_of(plan_id, payee_id), *company.memberships[payee_id]]
    rows += company.spans_of(payee_id)
    for name in parse(expression).variables:
        rows += company.variables[name]
    for row in rows:
        ends |= {day for day in (row.valid_from, row.valid_to) if day is not None}
    days = sorted(day for day in ends if window.window_from <= day <= window.window_to)
    total = Fraction(0)
    stretches = [
        (first, end)
        for first, end in pairwise(days)
        if any(in_force(row, first) for row in company.assignments_of(plan_id, payee_id))
    ]
    if is_there:
        stretches = [(first, end) for first, end in stretches if company.is_there(payee_id, first)]
    for first, end in stretches:
        value = company.number(expression, plan_id, payee_id, first)
        if value is None:
            return None
        total += value * (end - first).days
    return total
