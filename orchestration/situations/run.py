"""Calculate situations in one build and set what they expect beside what came out."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from orchestration.situations.build import build_warehouse
from orchestration.situations.case import Case, number, read_cases
from orchestration.situations.rows import tables_of, text

FIGURES = ("amount", "attained", "quota", "ratio")
# What each section of `expect` is compared with; the columns are named as its keys.
GOT = {
    "credits": """
        select plan_id as plan, transaction_id as deal, payee_id as payee, credit_type_code as type,
          level_number as level, credited_amount as amount
        from intermediate.int_crediting__credits""",
    "attainment": """
        select plan_id as plan, payee_id as payee, window_code as "window", attained_amount as attained,
          quota_amount as quota, attainment_ratio as ratio, reason_code as reason
        from intermediate.int_attainment__windows""",
    "commissions": """
        select plan_id as plan, transaction_id as deal, payee_id as payee, credited_payee_id as credited,
          reward_kind_code as kind, reward_date as date, commission_amount as amount
        from intermediate.int_rewards__commissions""",
    "lines": """
        select plan_id as plan, transaction_id as deal, payee_id as payee, event_code as event,
          event_date as date, period_code as period, line_amount as amount
        from intermediate.int_ledger__lines""",
    "payouts": """
        select plan_id as plan, payee_id as payee, period_code as period, currency_code as currency,
          payout_amount as amount
        from marts.fct_payouts""",
    "skipped": """
        select plan_id as plan, transaction_id as deal, reason_code as reason
        from intermediate.int_crediting__dispositions
        where reason_code is not null""",
    "refused": """
        select plan_id as plan, transaction_id as deal, coalesce(payee_id, recipient) as payee,
          reason_code as reason
        from intermediate.int_crediting__candidates
        where reason_code is not null""",
    "unpaid": """
        select plan_id as plan, payee_id as payee, unpaid_date as date, reason_code as reason
        from intermediate.int_rewards__unpaid""",
}
GotRow = dict[str, Any]


@dataclass
class CaseResult:
    """What became of a situation: its figures as lines of text, and those that differ."""

    case: Case
    lines: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)

    @property
    def is_met(self) -> bool:
        """True when every expected figure came out and no other did."""
        return not self.differences


def run_folder(folder: Path, home: Path, only: str | None = None) -> list[CaseResult]:
    """Calculate all situations of a folder (one dbt build a day that they look from) and compare each.

    Raises SituationError when they are not written as they should be, BuildError when dbt fails.
    """
    cases = [case for case in read_cases(folder) if only is None or only.lower() in case.title.lower()]
    results = []
    for as_of in sorted({case.as_of for case in cases}):
        group = [case for case in cases if case.as_of == as_of]
        warehouse = build_warehouse(tables_of(group), home / as_of.isoformat(), as_of)
        got = read_results(warehouse)
        results += [compare(case, got[case.code]) for case in group]
    return sorted(results, key=lambda result: result.case.code)


def read_results(warehouse: Path) -> Mapping[str, Mapping[str, list[GotRow]]]:
    """Return the rows of each section by the code of the situation, with the ids as the situation writes them."""
    found: dict[str, dict[str, list[GotRow]]] = defaultdict(lambda: defaultdict(list))
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        for section, sql in GOT.items():
            cursor = connection.execute(sql)
            names = [column[0] for column in cursor.description or []]
            for values in cursor.fetchall():
                row = dict(zip(names, values, strict=True))
                plan = row.get("plan")
                if plan is None:
                    continue
                code = str(plan).partition(".")[0]
                own = {name: _own(value, code) for name, value in row.items()}
                # Every deal is judged under every plan: those of other situations do not belong here.
                if "deal" not in row or row["deal"] is None or f"/{code}." in str(row["deal"]):
                    found[code][section].append(own)
    return found


def _own(value: Any, code: str) -> Any:
    if not isinstance(value, str):
        return value
    return value.removeprefix("crm/Opportunity/").removeprefix(f"{code}.")


def compare(case: Case, got: Mapping[str, list[GotRow]]) -> CaseResult:
    """Set each section that the situation expects beside what came out."""
    result = CaseResult(case)
    for section, rows in case.body["expect"].items():
        rest = [row for row in got.get(section, [])]
        for expected in rows or []:
            row = _best(expected, rest)
            if row is not None:
                rest.remove(row)
            _tell(result, section, expected, row)
        for row in rest:
            if (
                number(row.get("amount", row.get("attained", 1))) not in (None, Decimal(0))
                and section != "attainment"
            ):
                line = f"  {section}: expected nothing, got {written(row.items())}"
                result.lines.append(f"{line}  <-- differs")
                result.differences.append(line)
    return result


def _best(expected: Mapping[str, Any], rows: Sequence[GotRow]) -> GotRow | None:
    """Return the row that is meant: all texts equal, and if there is a choice the figures too."""
    meant = [
        row
        for row in rows
        if all(same(expected[key], row.get(key)) for key in expected if key not in FIGURES)
    ]
    exact = [row for row in meant if all(same(expected[key], row.get(key)) for key in expected)]
    return next(iter(exact or meant), None)


def _tell(result: CaseResult, section: str, expected: Mapping[str, Any], row: GotRow | None) -> None:
    stated = written((key, value) for key, value in expected.items() if key not in FIGURES)
    figures = [key for key in FIGURES if key in expected] or ["row"]
    for key in figures:
        wanted = plain(expected[key]) if key in expected else "there"
        came = "nothing" if row is None else plain(row.get(key)) if key in expected else "there"
        is_met = row is not None and (key not in expected or same(expected[key], row.get(key)))
        line = f"  {section}: {stated}: {key if key != 'row' else ''} expected {wanted}, got {came}"
        result.lines.append(line if is_met else f"{line}  <-- differs")
        if not is_met:
            result.differences.append(line)


def same(expected: Any, got: Any) -> bool:
    """True when two values are equal: numbers as numbers, all else as text; an empty cell equals None."""
    if isinstance(got, Decimal) or isinstance(expected, Decimal):
        return expected is not None and got is not None and number(expected) == number(got)
    return text(expected) == text(got)


def plain(value: Any) -> str:
    """A value without trailing zeros."""
    if isinstance(value, Decimal):
        shown = f"{value:f}"
        return shown.rstrip("0").rstrip(".") if "." in shown else shown
    return str(text(value))


def written(cells: Iterable[tuple[str, Any]]) -> str:
    """Cells as text: deal d01, payee ana."""
    return ", ".join(f"{key} {plain(value)}" for key, value in cells if value is not None)


def report(results: Sequence[CaseResult]) -> Iterator[str]:
    """Yield each situation with its figures, and the count at the end."""
    for result in results:
        yield f"{'PASS' if result.is_met else 'FAIL'}  {result.case.title}  ({result.case.file.name})"
        if result.case.body.get("source"):
            yield f"  source: {result.case.body['source']}"
        yield from result.lines
    failed = sum(not result.is_met for result in results)
    yield f"{len(results) - failed} of {len(results)} situations came out as expected" + (
        f", {failed} did not" if failed else ""
    )
