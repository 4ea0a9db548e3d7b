"""Check a situation as it is written: an unknown key, name, code or malformed value names its place and the fix.

What a plan, tier, rate, bonus, modifier or credit rule may contain is read from the seeds' own property files, so
that a situation and a seed know the same columns, types and codes.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any

import yaml

SEEDS = Path(__file__).resolve().parents[3] / "seeds"
GIVEN_BY_PLACE = ("plan_id", "plan_name", "source_document")
PARTS = {
    "rates": "rates",
    "bonuses": "bonuses",
    "modifiers": "modifiers",
    "credit_rules": "credit_rules",
}
CASE_KEYS = (
    "case", "source", "as_of", "people", "teams", "aliases", "plans", "variables", "catalogues", "calendars",
    "fx", "deals", "splits", "invoices", "payments", "holds", "draws", "expect",
)  # fmt: skip
DEAL_KEYS = ("id", "owner", "date", "amount", "currency", "territory", "stage", "landed", "edits")
LISTED = ("aliases", "variables", "fx", "deals", "splits", "invoices", "payments", "holds", "draws")
PLAN_PARTS = ("tiers", "tier_amounts", "rollup", "rollup_hierarchy", "payees", "terms", *PARTS)


@dataclass(frozen=True)
class Kind:
    """What a value must be: a type (text, date, number, boolean, list), or one of some codes."""

    type: str = "text"
    codes: tuple[str, ...] = ()


TEXT, DAY, NUMBER, BOOL, ROWS = Kind(), Kind("date"), Kind("number"), Kind("boolean"), Kind("list")
SPAN = {"from": DAY, "to": DAY}
ROW_KINDS: dict[str, dict[str, Kind]] = {
    "people": {
        "hired": DAY,
        "left": DAY,
        "employed": ROWS,
        "leaves": ROWS,
        "manager": TEXT,
        "territories": TEXT,
        "teams": TEXT,
    },
    "teams": {"leader": TEXT, "parent": TEXT, **SPAN},
    "aliases": {"alias": TEXT, "payee": TEXT, **SPAN},
    "variables": {"name": TEXT, "value": NUMBER, "payee": TEXT, "team": TEXT, "plan": TEXT, **SPAN},
    "fx": {"currency": TEXT, "date": DAY, "rate": NUMBER},
    "splits": {"deal": TEXT, "owner": TEXT, "percent": NUMBER, "amount": NUMBER, "type": TEXT, "landed": DAY},
    "invoices": {"deal": TEXT, "subtotal": NUMBER, "total": NUMBER},
    "payments": {
        "deal": TEXT,
        "date": DAY,
        "amount": NUMBER,
        "currency": TEXT,
        "id": TEXT,
        "kind": Kind(codes=("payment", "refund", "credit_memo")),
    },
    "holds": {"plan": TEXT, "payee": TEXT, "deal": TEXT, "reason": TEXT, **SPAN},
    "draws": {
        "draw": TEXT,
        "plan": TEXT,
        "payee": TEXT,
        **SPAN,
        "draw_kind_code": TEXT,
        "covers_code": TEXT,
        "currency_code": TEXT,
        "amount": NUMBER,
        "balance_max_amount": NUMBER,
        "recovery_ratio": NUMBER,
        "recovery_amount_max": NUMBER,
    },
    "deals": {**dict.fromkeys(DEAL_KEYS, TEXT), "landed": DAY, "date": DAY, "amount": NUMBER, "edits": ROWS},
    "edits": {**dict.fromkeys(DEAL_KEYS, TEXT), "landed": DAY, "date": DAY, "amount": NUMBER, "edits": ROWS},
}
NEEDED = {
    "aliases": ("alias", "payee"), "variables": ("name", "value"), "fx": ("currency", "date", "rate"),
    "splits": ("deal",), "payments": ("deal", "date", "amount"), "invoices": ("deal", "subtotal", "total"),
    "holds": ("from",), "draws": ("plan", "payee", "from", "amount"), "edits": ("landed",), "rates": ("rate",),
    "bonuses": ("bonus_kind_code", "basis_code", "amount_expression"), "modifiers": ("modifier_kind_code",),
    "credit_rules": ("recipient_code",),
}  # fmt: skip
EXPECT_KINDS: dict[str, dict[str, Kind]] = {
    "credits": {"plan": TEXT, "deal": TEXT, "payee": TEXT, "type": TEXT, "level": NUMBER, "amount": NUMBER,
                "payable": NUMBER},
    "attainment": {"plan": TEXT, "payee": TEXT, "window": TEXT, "attained": NUMBER, "quota": NUMBER,
                   "ratio": NUMBER, "reason": TEXT},
    "commissions": {"plan": TEXT, "deal": TEXT, "payee": TEXT, "credited": TEXT, "kind": TEXT, "date": DAY,
                    "amount": NUMBER},
    "lines": {"plan": TEXT, "deal": TEXT, "payee": TEXT, "event": TEXT, "date": DAY, "period": TEXT,
              "amount": NUMBER},
    "payouts": {"plan": TEXT, "payee": TEXT, "period": TEXT, "currency": TEXT, "amount": NUMBER},
    "skipped": {"plan": TEXT, "deal": TEXT, "reason": TEXT},
    "refused": {"plan": TEXT, "deal": TEXT, "payee": TEXT, "reason": TEXT},
    "unpaid": {"plan": TEXT, "payee": TEXT, "date": DAY, "reason": TEXT},
    "clawbacks": {"plan": TEXT, "deal": TEXT, "payee": TEXT, "cause": TEXT, "effect": TEXT, "date": DAY,
                  "amount": NUMBER},
    "withheld": {"plan": TEXT, "payee": TEXT, "period": TEXT, "expired": NUMBER, "amount": NUMBER},
    "held": {"plan": TEXT, "deal": TEXT, "payee": TEXT, "kind": TEXT, "due": DAY, "amount": NUMBER},
    "draws": {"plan": TEXT, "payee": TEXT, "period": TEXT, "advance": NUMBER, "recovery": NUMBER,
              "balance": NUMBER},
}  # fmt: skip
# Where a row names something of its own case: key -> section in which it must stand.
NAMES = {"deal": "deals", "payee": "people or teams", "team": "people or teams", "plan": "plans",
         "leader": "people or teams", "parent": "people or teams", "manager": "people or teams",
         "credited": "people or teams", "condition_plan_id": "plans"}  # fmt: skip


@cache
def seed_kinds() -> dict[str, dict[str, Kind]]:
    """Return the columns of every seed with their types and codes, as its property file states them."""
    types = {"date": "date", "boolean": "boolean", "varchar": "text"}
    found = {}
    for path in sorted(SEEDS.rglob("_*.yml")):
        for seed in yaml.safe_load(path.read_text(encoding="utf-8"))["seeds"]:
            codes = {
                column["name"]: tuple(test["accepted_values"]["arguments"]["values"])
                for column in seed["columns"]
                for test in column.get("data_tests", [])
                if isinstance(test, dict) and "accepted_values" in test
            }
            found[seed["name"]] = {
                name: Kind(types.get(sql_type, "number"), codes.get(name, ()))
                for name, sql_type in seed["config"]["column_types"].items()
                if name not in GIVEN_BY_PLACE
            }
    return found


def check(body: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a situation, each with its place and the fix."""
    problems = unknown_keys("the case", body, CASE_KEYS)
    problems += [f"`{key}` is missing" for key in ("people", "plans", "deals", "expect") if not body.get(key)]
    problems += wrong_value("as_of", body.get("as_of"), DAY)
    shapes = {"people": Mapping, "teams": Mapping, "plans": Mapping, "catalogues": Mapping,
              "calendars": Mapping, "expect": Mapping, "deals": list, "splits": list, "payments": list,
              "invoices": list, "holds": list, "draws": list,
              "variables": list, "aliases": list, "fx": list}  # fmt: skip
    for section, shape in shapes.items():
        if body.get(section) is not None and not isinstance(body[section], shape):
            wanted = "a list of rows" if shape is list else "a mapping of names"
            problems.append(f"{section}: {wanted} is wanted, found '{body[section]}'")
    if problems:
        return problems
    problems += check_named(body)
    problems += check_looked_up(body)
    problems += [problem for section in LISTED for problem in check_rows(section, body.get(section))]
    problems += check_plans(body["plans"])
    problems += check_expect(body["expect"])
    return problems or list(check_names(body))


def check_named(body: Mapping[str, Any]) -> Iterator[str]:
    """Check people and teams."""
    for section in ("people", "teams"):
        for name, rows in (body.get(section) or {}).items():
            for row in rows if isinstance(rows, list) else [rows or {}]:
                yield from check_row(f"{section}.{name}", row, ROW_KINDS[section], dated=("manager",))
    for name, person in body["people"].items():
        for key in ("territories", "teams") if isinstance(person, Mapping) else ():
            yield from check_spans(f"people.{name}.{key}", person.get(key), ("from", "to", "weight"))
        for key in ("employed", "leaves") if isinstance(person, Mapping) else ():
            yield from check_rows(f"people.{name}.{key}", person.get(key), SPAN)
            for place, row in enumerate(person.get(key) or [], start=1):
                if isinstance(row, Mapping) and not row.get("from"):
                    yield f"people.{name}.{key} {place}: `from` is missing"


def check_looked_up(body: Mapping[str, Any]) -> Iterator[str]:
    """Check catalogues (key: value, or key: {day: value}) and calendars (code: {from: day, to: day})."""
    for name, entries in (body.get("catalogues") or {}).items():
        for key, found in entries.items() if isinstance(entries, Mapping) else [("", None)]:
            values = found.values() if isinstance(found, Mapping) else [found]
            if not all(number(value) is not None for value in values):
                yield f"catalogues.{name}.{key}: a number is wanted, or a mapping of days and numbers"
    for name, windows in (body.get("calendars") or {}).items():
        for code, window in windows.items() if isinstance(windows, Mapping) else [("", None)]:
            yield from check_row(f"calendars.{name}.{code}", window, SPAN)
            if isinstance(window, Mapping) and not set(window) >= set(SPAN):
                yield f"calendars.{name}.{code}: both `from` and `to` are wanted; to is the first day after"


def check_plans(plans: Mapping[str, Any]) -> Iterator[str]:
    """Check each version of each plan."""
    kinds = seed_kinds()
    for name, versions in plans.items():
        for version in versions if isinstance(versions, list) else [versions or {}]:
            where = f"plans.{name}"
            known = {**kinds["plans"], **dict.fromkeys(PLAN_PARTS, Kind("any"))}
            yield from check_row(where, version, known)
            if not isinstance(version, Mapping):
                continue
            for part, seed in PARTS.items():
                yield from check_rows(part, version.get(part), kinds[seed])
            for part in ("tiers", "tier_amounts", "rollup"):
                yield from check_scale(f"{where}.{part}", version.get(part))
            terms = version.get("terms") or {}
            is_dated = isinstance(terms, Mapping) and any(isinstance(key, date) for key in terms)
            for row in terms.values() if is_dated else [terms]:
                yield from check_row(f"{where}.terms", row or {}, kinds["payout_terms"])
            yield from check_spans(f"{where}.payees", version.get("payees"), ("from", "to"))


def check_scale(where: str, scale: Any) -> Iterator[str]:
    """Check a mapping of bounds (or levels) and what holds there, or of days and such mappings."""
    if scale is None:
        return
    if not isinstance(scale, Mapping) or not scale:
        yield f"{where}: a mapping is wanted, as {{0: 0.05, 1000: 0.08}}"
        return
    for key, value in scale.items():
        if isinstance(key, date):
            yield from check_scale(f"{where}.{key}", value or {})
        elif number(key) is None:
            yield f"{where}: '{key}' is not a number"
    bounds = [number(key) for key in scale]
    if all(bound is not None for bound in bounds) and bounds != sorted(bounds, key=lambda bound: bound or 0):
        yield f"{where}: the bounds must rise, found {', '.join(str(bound) for bound in bounds)}"


def check_spans(where: str, spans: Any, known: tuple[str, ...]) -> Iterator[str]:
    """Check a name, a list of names, or a mapping of names with when each holds."""
    if not isinstance(spans, Mapping):
        is_list = isinstance(spans, list) and all(isinstance(name, str) for name in spans)
        if spans is not None and not isinstance(spans, str) and not is_list:
            yield f"{where}: names, or a mapping of a name and when, is wanted: {{ana: {{from: 2024-01-15}}}}"
        return
    kinds = {key: DAY if key != "weight" else NUMBER for key in known}
    for name, span in spans.items():
        for row in span if isinstance(span, list) else [span or {}]:
            yield from check_row(f"{where}.{name}", row, kinds)


def check_expect(expect: Mapping[str, Any]) -> Iterator[str]:
    """Check the rows that the situation must come to."""
    yield from unknown_keys("expect", expect, (*EXPECT_KINDS, "partial"))
    partial = expect.get("partial") or []
    yield from unknown_keys("expect.partial", dict.fromkeys(partial), EXPECT_KINDS)
    for section, kinds in EXPECT_KINDS.items():
        if section in expect:
            yield from check_rows(f"expect.{section}", expect[section], kinds)
            if any(row == {} for row in expect[section] or []):
                yield f"expect.{section}: a row without a key says nothing"


def check_rows(section: str, rows: Any, kinds: Mapping[str, Kind] | None = None) -> Iterator[str]:
    """Check a list of rows."""
    kinds = kinds or ROW_KINDS[section]
    if not isinstance(rows or [], list) or not all(isinstance(row, Mapping) for row in rows or []):
        yield f"{section}: a list of rows is wanted, each as {{{', '.join(list(kinds)[:3])}, ...}}"
        return
    for position, row in enumerate(rows or [], start=1):
        where = f"{section} {position}"
        is_deal = section in ("deals", "edits")
        # A field of the CRM has a capital letter; what has none must be a known key.
        fields = {key: TEXT for key in row if is_deal and re.fullmatch(r"\w*[A-Z]\w*", str(key))}
        yield from check_row(where, row, {**kinds, **fields})
        yield from (f"{where}: `{key}` is missing" for key in NEEDED.get(section, ()) if key not in row)
        if row.get("edits"):
            yield from check_rows("edits", row["edits"])


def check_row(
    where: str, row: Any, kinds: Mapping[str, Kind], *, dated: tuple[str, ...] = ()
) -> Iterator[str]:
    """Check the keys of a row and their values; a key in `dated` may also hold a mapping from day to value."""
    yield from unknown_keys(where, row, kinds)
    if isinstance(row, Mapping):
        for key, value in row.items():
            if key in dated and isinstance(value, Mapping):
                yield from (f"{where}.{key}: '{day}' is not a day" for day in value if type(day) is not date)
            elif key in kinds and key not in ("teams", "territories"):
                yield from wrong_value(f"{where}.{key}", value, kinds[key])


def wrong_value(where: str, value: Any, kind: Kind) -> list[str]:
    """Say why a value is not of its kind; an empty value always is."""
    if value is None or value == "":
        return []
    if kind.codes and str(value) not in kind.codes:
        close = difflib.get_close_matches(str(value), kind.codes, n=1)
        return [f"{where}: unknown code '{value}'; {_fix(close, kind.codes)}"]
    is_right = {
        "date": type(value) is date,
        "number": number(value) is not None,
        "boolean": isinstance(value, bool),
        "list": isinstance(value, list),
        "text": not isinstance(value, list | dict),
    }
    wanted = {
        "date": "a day; write 2024-12-31", "number": "a number; write 1234.56",
        "boolean": "true or false", "list": "a list of rows", "text": "one value",
    }  # fmt: skip
    return [] if is_right.get(kind.type, True) else [f"{where}: '{value}' is not {wanted[kind.type]}"]


def unknown_keys(where: str, found: Any, known: Iterable[str]) -> list[str]:
    """Name the keys that nothing reads, with the nearest known one."""
    if not isinstance(found, Mapping):
        return [f"{where}: '{found}' is not a mapping of keys and values"]
    known = list(known)
    return [
        f"{where}: unknown key `{key}`; {_fix(difflib.get_close_matches(str(key), known, n=1), known)}"
        for key in found
        if key not in known
    ]


def _fix(close: Sequence[str], known: Iterable[str]) -> str:
    return f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"


def check_names(body: Mapping[str, Any]) -> Iterator[str]:
    """Check that rows name only people, teams, plans and deals of their case."""
    persons = {str(name) for name in body["people"]}
    groups = {str(name) for name in body.get("teams") or {}}
    for person in body["people"].values():
        for key in ("teams", "territories"):
            groups |= set(names_of((person or {}).get(key)))
    known = {
        "people or teams": persons | groups,
        "plans": {str(name) for name in body["plans"]},
        "deals": {str(deal.get("id") or f"d{place:02}") for place, deal in enumerate(body["deals"], start=1)},
    }
    for where, key, name in _named_places(body):
        section = NAMES[key]
        # A payment that a plan credits is named deal@payment.
        if name is not None and str(name).partition("@")[0] not in known[section]:
            close = difflib.get_close_matches(str(name), known[section], n=1)
            yield f"{where}.{key}: no '{name}' in {section}; {_fix(close, sorted(known[section]))}"


def names_of(spans: Any) -> list[str]:
    """Return the names of a name, a list of names, or a mapping of names with when each holds."""
    if spans is None:
        return []
    return [str(spans)] if isinstance(spans, str) else [str(name) for name in spans]


def _named_places(body: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    for name, person in body["people"].items():
        managers = (person or {}).get("manager")
        for manager in managers.values() if isinstance(managers, Mapping) else [managers]:
            yield f"people.{name}", "manager", manager
    for name, rows in (body.get("teams") or {}).items():
        for row in rows if isinstance(rows, list) else [rows or {}]:
            yield from _named_cells(f"teams.{name}", row)
    for section in LISTED:
        for place, row in enumerate(body.get(section) or [], start=1):
            yield from _named_cells(f"{section} {place}", row)
    for name, versions in body["plans"].items():
        for version in versions if isinstance(versions, list) else [versions or {}]:
            for row in version.get("modifiers") or []:
                yield from _named_cells(f"plans.{name}.modifiers", row)
            yield from ((f"plans.{name}.payees", "payee", payee) for payee in names_of(version.get("payees")))
    for section, rows in body["expect"].items():
        # A refused recipient may be an unknown person; that is then the reason.
        if section not in ("refused", "partial"):
            for place, row in enumerate(rows or [], start=1):
                yield from _named_cells(f"expect.{section} {place}", row)


def _named_cells(where: str, row: Any) -> Iterator[tuple[str, str, Any]]:
    if isinstance(row, Mapping):
        yield from ((where, key, row[key]) for key in row if key in NAMES)


def number(value: Any) -> Decimal | None:
    """Return an exact number; None when it is not a number."""
    if isinstance(value, bool):
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None
