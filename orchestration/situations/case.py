"""Read situations from YAML and check them: an unknown key or a malformed value names file, case, key and mend."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

AS_OF = date(2024, 12, 31)
Body = Mapping[str, Any]

PLAN_COLUMNS = (
    "valid_from", "valid_to", "source_object", "currency_code", "filter_expression", "value_expression",
    "value_currency_code", "payable_expression", "amount_basis_code", "catalogue_id",
    "catalogue_key_expression", "rate_dimension_1_expression", "rate_dimension_2_expression",
    "rate_dimension_3_expression", "calendar_id", "progress_id", "aggregate_code", "weight_expression",
    "quota_expression", "quota_proration_code", "tier_basis_code", "tier_bound_code", "tier_method_code",
    "incentive_expression", "incentive_proration_code", "is_rollup_capped", "beneficiary_code", "gap_code",
    "payout_event_code",
)  # fmt: skip
PLAN_PARTS = (
    "tiers", "tier_amounts", "rates", "bonuses", "modifiers", "credit_rules", "rollup", "rollup_hierarchy",
    "payees",
)  # fmt: skip
CASE_KEYS = (
    "case", "source", "working", "as_of", "people", "teams", "plans", "variables", "catalogues", "calendars",
    "fx", "deals", "splits", "payments", "expect",
)  # fmt: skip
ROW_KEYS: dict[str, tuple[str, ...]] = {
    "people": ("hired", "left", "manager", "territories", "teams"),
    "teams": ("leader", "parent", "from", "to"),
    "variables": ("name", "value", "payee", "team", "plan", "from", "to"),
    "fx": ("currency", "date", "rate"),
    "splits": ("deal", "owner", "percent", "amount", "type"),
    "payments": ("deal", "date", "amount", "kind", "id"),
    "rates": (
        "valid_from", "valid_to", "tier_number", "dimension_1_value", "dimension_2_value", "dimension_3_value",
        "rate",
    ),
    "bonuses": (
        "bonus_number", "bonus_kind_code", "basis_code", "basis_from", "basis_to", "amount_expression",
        "amount_to_expression", "frequency_code",
    ),
    "modifiers": (
        "modifier_number", "modifier_kind_code", "scope_code", "amount_expression", "condition_plan_id",
        "condition_from", "condition_to",
    ),
    "credit_rules": (
        "valid_from", "valid_to", "rule_id", "rule_group", "priority", "recipient_code", "payee_expression",
        "split_type", "split_total_code", "condition_expression", "share_expression", "credit_type_code",
    ),
}  # fmt: skip
EXPECT_KEYS: dict[str, tuple[str, ...]] = {
    "credits": ("plan", "deal", "payee", "type", "level", "amount"),
    "attainment": ("plan", "payee", "window", "attained", "quota", "ratio", "reason"),
    "commissions": ("plan", "deal", "payee", "credited", "kind", "date", "amount"),
    "lines": ("plan", "deal", "payee", "event", "date", "period", "amount"),
    "payouts": ("plan", "payee", "period", "currency", "amount"),
    "skipped": ("plan", "deal", "reason"),
    "refused": ("plan", "deal", "payee", "reason"),
    "unpaid": ("plan", "payee", "date", "reason"),
}


class SituationError(Exception):
    """The situations cannot be read as they are written; the message names file, case, key and mend."""


@dataclass(frozen=True)
class Case:
    """One situation: `code` keeps its ids apart from all others, `body` holds its sections as written."""

    code: str
    file: Path
    title: str
    as_of: date
    body: Body


class _Loader(yaml.SafeLoader):
    """YAML whose decimal numbers are exact."""


def _exact(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Decimal:
    return Decimal(str(loader.construct_scalar(node)))


_Loader.add_constructor("tag:yaml.org,2002:float", _exact)


def read_cases(folder: Path) -> list[Case]:
    """Read and check all *.yaml and *.yml files of a folder (or one file), in the order of their names.

    Raises SituationError with every mistake found.
    """
    files = [folder] if folder.is_file() else sorted([*folder.rglob("*.yaml"), *folder.rglob("*.yml")])
    if not files:
        raise SituationError(f"{folder}: no *.yaml file with situations")
    cases: list[Case] = []
    problems: list[str] = []
    for file in files:
        try:
            written = yaml.load(file.read_text(encoding="utf-8"), _Loader)
        except yaml.YAMLError as error:
            problems.append(f"{file}: not readable as YAML: {error}")
            continue
        for body in written if isinstance(written, list) else [written]:
            if not isinstance(body, dict) or not body.get("case"):
                problems.append(f"{file}: each situation is a mapping that starts with `case: title`")
                continue
            title = str(body["case"])
            problems += [f"{file}, case '{title}': {problem}" for problem in check(body)]
            as_of = body.get("as_of", AS_OF)
            cases.append(Case(f"s{len(cases) + 1:03}", file, title, as_of, body))
    titles = [case.title for case in cases]
    problems += [
        f"{folder}: two cases are called '{t}'" for t in sorted({t for t in titles if titles.count(t) > 1})
    ]
    if problems:
        raise SituationError("\n".join(problems))
    return cases


def check(body: Body) -> list[str]:
    """Return what is wrong with a situation."""
    problems = unknown_keys("the case", body, CASE_KEYS)
    problems += [f"`{key}` is missing" for key in ("people", "plans", "deals", "expect") if not body.get(key)]
    if not isinstance(body.get("as_of", AS_OF), date):
        problems.append(f"as_of: '{body['as_of']}' is not a day; write 2024-12-31")
    for section in ("people", "teams"):
        for name, row in (body.get(section) or {}).items():
            problems += unknown_keys(f"{section}.{name}", row or {}, ROW_KEYS[section])
    for section in ("variables", "fx", "splits", "payments"):
        problems += check_rows(section, body.get(section) or [])
    for name, versions in (body.get("plans") or {}).items():
        for version in versions if isinstance(versions, list) else [versions or {}]:
            problems += unknown_keys(f"plans.{name}", version, PLAN_COLUMNS + PLAN_PARTS)
            for part in ("rates", "bonuses", "modifiers", "credit_rules"):
                problems += check_rows(part, version.get(part) or [])
    for section, rows in (body.get("expect") or {}).items():
        if section not in EXPECT_KEYS:
            problems += unknown_keys("expect", {section: rows}, tuple(EXPECT_KEYS))
            continue
        for row in rows or []:
            problems += unknown_keys(f"expect.{section}", row, EXPECT_KEYS[section])
            problems += [
                f"expect.{section}.{key}: '{row[key]}' is not a number"
                for key in ("amount", "attained", "quota", "ratio")
                if key in row and number(row[key]) is None
            ]
    return problems


def check_rows(section: str, rows: Sequence[Any]) -> list[str]:
    """Return what is wrong with a list of rows."""
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return [f"{section}: a list of rows is wanted, each as {{{', '.join(ROW_KEYS[section][:3])}, ...}}"]
    return [problem for row in rows for problem in unknown_keys(section, row, ROW_KEYS[section])]


def unknown_keys(where: str, found: Any, known: Iterable[str]) -> list[str]:
    """Name the keys that nothing reads, with the nearest known one."""
    if not isinstance(found, Mapping):
        return [f"{where}: '{found}' is not a mapping of keys and values"]
    known = list(known)
    problems = []
    for key in found:
        if key not in known:
            close = difflib.get_close_matches(str(key), known, n=1)
            mend = f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"
            problems.append(f"{where}: unknown key `{key}`; {mend}")
    return problems


def number(value: Any) -> Decimal | None:
    """Return an exact number; None when it is none."""
    try:
        found = Decimal(str(value))
    except ArithmeticError:
        return None
    return found if found.is_finite() else None
