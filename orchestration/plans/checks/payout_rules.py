"""What payout terms, holds and draws must agree on, with each other and with the plan that they belong to."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from orchestration.plans.checks.problems import Problem
from orchestration.plans.checks.tables import Company, Row

DAYS = (
    "expire_after_days", "clawback_window_days", "unpaid_after_days", "hold_days", "holdback_days",
    "leaver_days",
)  # fmt: skip
Fault = tuple[str, str, str]


def event_rules(company: Company) -> Iterator[Problem]:
    """A plan that credits payments pays with them."""
    for plan in company["plans"]:
        if plan["credit_event_code"] == "collection" and plan["payout_event_code"] == "booking":
            yield plan.problem(
                "payout_event_code",
                f"plan '{plan['plan_id']}' credits payments and would pay before them",
                "Write payout_event_code collection, or credit_event_code booking",
            )


def term_rules(company: Company) -> Iterator[Problem]:
    """Spans of days, shares, and settings that need each other or that the plan's events leave without effect."""
    for terms in company["payout_terms"]:
        versions = list(company.versions(terms))
        for column, message, fix in (*_span_faults(terms), *_holdback_faults(terms)):
            yield terms.problem(column, f"the terms of plan '{terms['plan_id']}' {message}", fix)
        for column, message, fix in (*_plan_faults(terms, versions), *_leaver_faults(terms, versions)):
            yield terms.problem(column, f"the terms of plan '{terms['plan_id']}' {message}", fix)


def _span_faults(terms: Row) -> Iterator[Fault]:
    for column in DAYS:
        days = terms.number_in(column)
        if days is not None and days < 0:
            yield column, f"count {days} days", "Write 0 or more"
    if terms["clawback_proration_code"] == "straight_line" and not terms.number_in("clawback_window_days"):
        fix = "Write the days of the window, or clawback_proration_code none"
        yield "clawback_window_days", "take back in a straight line over a window that has no days", fix


def _holdback_faults(terms: Row) -> Iterator[Fault]:
    ratio, release = terms.number_in("holdback_ratio"), terms["holdback_release_code"]
    if ratio is not None and not 0 <= ratio <= 1:
        yield "holdback_ratio", f"hold back {ratio} of each commission", "Write a share, 0.2 for a fifth"
    if ratio and not release:
        fix = "Write days, quarter_end or year_end"
        yield "holdback_release_code", "hold back a share and never release it", fix
    if ratio and release == "days" and terms.number_in("holdback_days") is None:
        yield "holdback_days", "release what is held back after no number of days", "Write the days"


def _leaver_faults(terms: Row, versions: list[Row]) -> Iterator[Fault]:
    code, days = terms["leaver_code"], terms["leaver_days"]
    if code == "days" and not days:
        yield "leaver_days", "pay leavers for a number of days and do not say how many", "Write the days"
    if days and code != "days":
        fix = "Write leaver_code days, or leave it empty"
        yield "leaver_days", f"count {days} days after leaving, and leaver_code is '{code}'", fix
    if code and versions and all(version["payout_event_code"] == "booking" for version in versions):
        fix = "Leave it empty: nothing waits for the customer"
        yield "leaver_code", "say what leavers get of later payments, and the plan pays on booking", fix


def _plan_faults(terms: Row, versions: list[Row]) -> Iterator[Fault]:
    if terms["clawback_policy_code"] == "next_period_attainment":
        for version in versions:
            if version["calendar_id"] in ("life", "transaction"):
                fix = "Write another clawback_policy_code"
                yield (
                    "clawback_policy_code",
                    f"reduce a later window, and the plan's calendar {version['calendar_id']} has none",
                    fix,
                )
                break
            if version["aggregate_code"] in ("average", "weighted_average"):
                fix = "Write another clawback_policy_code"
                yield "clawback_policy_code", "reduce a running total, and the plan averages", fix
                break
    if versions and all(version["payout_event_code"] == "collection" for version in versions):
        for column in ("unpaid_after_days", "clawback_window_days"):
            if terms[column]:
                fix = "Leave it empty: what is not paid is not due"
                yield column, "take back what was paid on booking, and the plan pays on collection", fix
    paid_on_booking = versions and all(version["payout_event_code"] == "booking" for version in versions)
    if paid_on_booking and terms["expire_after_days"]:
        fix = "Leave it empty, or write unpaid_after_days"
        yield "expire_after_days", "let withheld commission expire, and the plan withholds none", fix


def hold_rules(company: Company) -> Iterator[Problem]:
    """A hold names what it holds and ends after it begins."""
    for hold in company["holds"]:
        if not (hold["plan_id"] or hold["payee_id"] or hold["transaction_id"]):
            yield hold.problem(
                "hold_id",
                f"hold '{hold['hold_id']}' names no plan, no payee and no deal: it would hold everybody's pay",
                "Fill plan_id, payee_id or transaction_id",
            )
        if hold["held_to"] and hold["held_to"] <= hold["held_from"]:
            yield hold.problem(
                "held_to",
                f"hold '{hold['hold_id']}' ends on {hold['held_to']}, not after its first day {hold['held_from']}",
                "Write the day of the release, or leave it empty",
            )


def draw_rules(company: Company) -> Iterator[Problem]:
    """Amounts and shares of a draw, its name, and the currency of its plan."""
    for draw in company["draws"]:
        for column, message, fix in _draw_faults(draw):
            yield draw.problem(column, f"draw '{draw['draw_id']}' of payee {draw['payee_id']} {message}", fix)
        for plan in company.versions(draw):
            if plan["currency_code"] != draw["currency_code"]:
                yield draw.problem(
                    "currency_code",
                    f"draw '{draw['draw_id']}' is in {draw['currency_code']}, and plan '{plan['plan_id']}' pays in "
                    f"{plan['currency_code']}",
                    "Write the plan's currency",
                )
                break
    yield from _draw_overlaps(company)


def _draw_overlaps(company: Company) -> Iterator[Problem]:
    """Draws of one payee that would advance on, or recover from, the same earnings of a month."""
    for one, other in itertools.combinations(company["draws"], 2):
        if one["draw_id"] == other["draw_id"] or one["payee_id"] != other["payee_id"]:
            continue
        is_shared = one["plan_id"] == other["plan_id"] or "payee" in (
            one["covers_code"],
            other["covers_code"],
        )
        month = _common_month(_settling(company, one), _settling(company, other))
        if is_shared and one["currency_code"] == other["currency_code"] and month:
            yield one.problem(
                "draw_id",
                f"draws '{one['draw_id']}' and '{other['draw_id']}' of payee {one['payee_id']} both settle on what the "
                f"payee earns in {month[:7]}, so that it would be topped up or recovered twice",
                "Give both rows one draw_id, which shares one balance, and end one where the other begins; what is "
                "recoverable goes on after its end",
                other,
            )


def _settling(company: Company, draw: Row) -> tuple[str, str]:
    """The first day of the months on which a row settles, and the day after them; an open end is empty.

    A recoverable row recovers after its span too, until the next row of its draw begins.
    """
    later = [
        row["valid_from"]
        for row in company["draws"]
        if (row["draw_id"], row["payee_id"]) == (draw["draw_id"], draw["payee_id"])
        and row["valid_from"] > draw["valid_from"]
    ]
    end = min(later, default="")
    if draw["draw_kind_code"] != "recoverable":
        end = min((day for day in (end, draw["valid_to"]) if day), default="")
    return draw["valid_from"], end


def _common_month(one: tuple[str, str], other: tuple[str, str]) -> str:
    """The first day of a month that lies in both spans, the earliest; empty where there is none."""
    day = date.fromisoformat(max(one[0], other[0]))
    if day.day > 1:
        day = (day.replace(day=1) + timedelta(days=31)).replace(day=1)
    return str(day) if all(not end or str(day) < end for end in (one[1], other[1])) else ""


def _draw_faults(draw: Row) -> Iterator[Fault]:
    for column in ("amount", "balance_max_amount", "recovery_amount_max"):
        amount = draw.number_in(column)
        if amount is not None and amount < 0:
            yield column, f"has a negative amount, {amount}", "Write 0 or more"
    ratio = draw.number_in("recovery_ratio")
    if ratio is not None and not Decimal(0) <= ratio <= Decimal(1):
        yield "recovery_ratio", f"recovers {ratio} of what is earned above it", "Write a share, 0.5 for half"
