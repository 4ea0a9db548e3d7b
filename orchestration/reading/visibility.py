"""What each mart declares about who may see which of its rows (meta.visibility), and the SQL that follows from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ROWS = ("administrators", "everybody", "payees", "referenced")
KEYS = {
    "rows",
    "payee",
    "others",
    "day",
    "days",
    "period",
    "released",
    "released_period",
    "hidden",
    "drafts",
    "by",
}
# How far a plan's month must have come before its payees and their managers see the figures.
RELEASED = {
    "credits": ("credits_released", "rewards_released", "approved", "paid"),
    "rewards": ("rewards_released", "approved", "paid"),
}
# Keys of rows are made of payees' ids, among others; a mark of them still joins the tables of one file.
MARKED_ENDINGS = ("_key",)
MARKED_COLUMNS = ("candidate_id", "credit_id", "reward_id")


class AudienceError(Exception):
    """A viewer who sees nothing or is unknown, or a declaration that cannot be used. Nothing was written for them."""


@dataclass(frozen=True)
class Declaration:
    """What one mart lets people see.

    Attributes:
        rows: administrators (to nobody else), everybody, payees (the rows of payees whom the viewer sees) or
            referenced (a dimension's rows that other rows of the file name).
        payee: column with the payee whose row it is.
        others: columns that name another payee, left empty where the viewer does not see that one.
        days: first and last day of the row as SQL, the last one exclusive; empty = only who always sees the payee.
        is_dateless: the row has no day: a viewer who sees the payee on any day sees it.
        released: what must be released; empty = only who sees drafts, "none" = nothing.
        released_period: the month that must be released, as SQL.
        hidden, drafts: columns left empty for all viewers, for those who see no drafts.
        by: columns of which a dimension's value is looked for in the other tables.
    """

    rows: str
    payee: str = ""
    others: tuple[str, ...] = ()
    days: tuple[str, str] | None = None
    is_dateless: bool = False
    released: str = ""
    released_period: str = ""
    hidden: tuple[str, ...] = ()
    drafts: tuple[str, ...] = ()
    by: tuple[str, ...] = ()

    @classmethod
    def read(cls, mart: str, columns: Sequence[str], declared: Mapping[str, Any]) -> Declaration:
        """Make it from a mart's meta.visibility. Raises AudienceError with what is wrong and how to fix it."""

        def wrong(text: str) -> AudienceError:
            return AudienceError(f"{mart}: meta.visibility {text} (see docs/bi.md)")

        if unknown := sorted(set(declared) - KEYS):
            raise wrong(f"has the unknown keys {', '.join(unknown)}; known are {', '.join(sorted(KEYS))}")
        rows = declared.get("rows")
        if rows not in ROWS:
            raise wrong(f"has rows: {rows}; write one of {', '.join(ROWS)}")
        if (rows == "payees") != ("payee" in declared) or (rows == "referenced") != ("by" in declared):
            raise wrong(
                "names a payee exactly where it has rows: payees, and by where it has rows: referenced"
            )
        spans = [key for key in ("day", "days", "period") if key in declared]
        if len(spans) > 1:
            raise wrong(f"has {' and '.join(spans)}; a row has one span")
        if declared.get("released", "none") not in {*RELEASED, "none"}:
            raise wrong(f"has released: {declared['released']}; write credits, rewards or none")
        named = [declared.get("payee"), declared.get("period"), declared.get("released_period")]
        named += [declared.get("day") if declared.get("day") != "any" else None]
        named += [
            name for key in ("others", "days", "hidden", "drafts", "by") for name in declared.get(key, [])
        ]
        if missing := sorted({name for name in named if name} - set(columns)):
            raise wrong(f"names columns that the mart does not have: {', '.join(missing)}")
        days, month = _span(declared)
        return cls(
            rows=rows,
            payee=declared.get("payee", ""),
            others=tuple(declared.get("others", ())),
            days=days,
            is_dateless=declared.get("day") == "any",
            released=declared.get("released", ""),
            released_period=declared.get("released_period") or month,
            hidden=tuple(declared.get("hidden", ())),
            drafts=tuple(declared.get("drafts", ())),
            by=tuple(declared.get("by", ())),
        )


def _span(declared: Mapping[str, Any]) -> tuple[tuple[str, str] | None, str]:
    """The days of a row (first, first one after), and the month of the last of them, as SQL over `mart`."""
    if "period" in declared:
        first = f"cast(mart.{declared['period']} || '-01' as date)"
        return (first, f"cast({first} + interval 1 month as date)"), f"mart.{declared['period']}"
    if "days" in declared:
        first, last = (f"mart.{column}" for column in declared["days"])
        return (first, last), f"strftime({last} - 1, '%Y-%m')"
    if declared.get("day", "any") != "any":
        day = f"mart.{declared['day']}"
        return (day, f"{day} + 1"), f"strftime({day}, '%Y-%m')"
    return None, ""


def declarations(manifest: Mapping[str, Any]) -> dict[str, Declaration]:
    """What each mart lets people see, by name; marts that declare nothing are not in it."""
    found = {}
    for node in manifest["nodes"].values():
        if node["resource_type"] == "model" and node["fqn"][1] == "marts":
            declared = (node["config"].get("meta") or {}).get("visibility")
            if declared:
                found[node["name"]] = Declaration.read(node["name"], list(node["columns"]), declared)
    return found


def rows_of_payees(name: str, columns: Sequence[tuple[str, str]], declaration: Declaration) -> str:
    """The query for a mart of payees, over the tables `visible` and `marts.fct_calculations`."""
    names = {column for column, _ in columns}
    plan = (
        "and (seen.plan_id is null or seen.plan_id = mart.plan_id)"
        if "plan_id" in names
        else "and seen.plan_id is null"
    )
    if declaration.is_dateless:
        days, plan = "true", ""
    elif declaration.days:
        first, end = declaration.days
        days = (
            f"(seen.visible_from is null or seen.visible_from <= {first})"
            f" and (seen.visible_to is null or {end} <= seen.visible_to)"
        )
    else:
        days = "seen.visible_from is null and seen.visible_to is null"

    def sees(payee: str, *, drafts_only: bool = False) -> str:
        released = "" if drafts_only else f" or {_is_released(declaration)}"
        return (
            f"exists (select 1 from visible as seen where seen.payee_id = {payee} {plan}"
            f" and {days} and (seen.has_drafts{released}))"
        )

    whose = f"mart.{declaration.payee}"
    kept = []
    for column, data_type in columns:
        shown_as = f"mart.{column}"
        if column in declaration.hidden:
            shown_as = "null"
        elif column in declaration.others:
            shown_as = f"case when mart.{column} = {whose} or {sees(shown_as)} then mart.{column} end"
        elif column in declaration.drafts:
            shown_as = f"case when {sees(whose, drafts_only=True)} then mart.{column} end"
        elif _is_marked(column):
            shown_as = f"sha256($salt || mart.{column})"
        kept.append(f"cast({shown_as} as {data_type}) as {column}")
    return f"select {', '.join(kept)} from marts.{name} as mart where {sees(whose)}"


def _is_released(declaration: Declaration) -> str:
    if declaration.released == "none":
        return "true"
    if not declaration.released:
        return "false"
    states = ", ".join(f"'{state}'" for state in RELEASED[declaration.released])
    return (
        "exists (select 1 from marts.fct_calculations as released where released.plan_id = mart.plan_id"
        f" and released.period_code = {declaration.released_period} and released.state_code in ({states}))"
    )


def _is_marked(column: str) -> bool:
    return column.endswith(MARKED_ENDINGS) or column in MARKED_COLUMNS
