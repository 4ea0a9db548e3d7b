"""Calculate situations in one build and set what they expect beside what came out."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from orchestration.plans.situations.build import BuildError, build_warehouse, models_in
from orchestration.plans.situations.case import Body, Case, read_cases
from orchestration.plans.situations.checks import number
from orchestration.plans.situations.rows import groups_of, tables_of, text

FIGURES = ("amount", "payable", "attained", "quota", "ratio", "expired", "advance", "recovery", "balance")
# Rows of nothing need not be written down in these sections; in all others every row counts.
MONEY = ("attainment", "commissions", "lines", "payouts", "withheld")
# What each section of `expect` is compared with; the columns are named as its keys.
GOT = {
    "credits": """
        select plan_id as plan, transaction_id as deal, payee_id as payee, credit_type_code as type,
          level_number as level, credited_amount as amount, payable_amount as payable
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
    "clawbacks": """
        select plan_id as plan, transaction_id as deal, payee_id as payee, cause_code as cause,
          effect_code as effect, event_date as date, clawback_amount as amount
        from marts.rpt_clawbacks""",
    "withheld": """
        select plan_id as plan, payee_id as payee, period_code as period, expired_amount as expired,
          closing_amount as amount
        from marts.rpt_withheld_balances""",
    "held": """
        select plan_id as plan, transaction_id as deal, payee_id as payee, hold_code as kind, due_date as due,
          held_amount as amount
        from marts.rpt_held_lines""",
    "draws": """
        select plan_id as plan, payee_id as payee, period_code as period, advance_amount as advance,
          recovery_amount as recovery, balance_after_amount as balance
        from marts.fct_draw_balances""",
}
GotRow = dict[str, Any]


class Figure(NamedTuple):
    """One figure (or the mere presence of a row) beside what came out."""

    section: str
    row: str
    name: str
    expected: str
    got: str
    is_met: bool


@dataclass
class CaseResult:
    """The outcome of a situation: its figures, expected and calculated."""

    case: Case
    figures: list[Figure] = field(default_factory=list)

    @property
    def is_met(self) -> bool:
        """True when every expected figure came out and no other did."""
        return all(figure.is_met for figure in self.figures)


def run_folder(folder: Path, home: Path, only: str | None = None) -> list[CaseResult]:
    """Calculate the situations of a folder, as a rule in one dbt build, and compare each.

    Raises SituationError when they are not written as they should be, BuildError when dbt fails.
    """
    cases = [case for case in read_cases(folder) if only is None or only.lower() in case.title.lower()]
    results = []
    for position, group in enumerate(groups_of(cases), start=1):
        try:
            warehouse = build_warehouse(
                tables_of(group), home / f"build_{position}", group[0].as_of, wanted=models_in(*GOT.values())
            )
        except BuildError as error:
            raise BuildError(_with_titles(str(error), group)) from error
        got = read_results(warehouse)
        results += [compare(case, got[case.code]) for case in group]
    return sorted(results, key=lambda result: result.case.code)


def _with_titles(message: str, cases: Iterable[Case]) -> str:
    """Say which situations a message is about: by the codes in it, or by a field or variable that nothing knows."""
    unknown = re.findall(r'(?:column|Column|field|function|variable) "?@*(\w+)"? not found', message)
    named = [
        f"{case.code} is '{case.title}' in {case.file}"
        for case in cases
        if re.search(rf"(?<![a-z0-9]){case.code}\b|_{case.code}\b", message)
        or any(name in str(case.body) for name in unknown)
    ]
    return "\n".join([message, *named])


def read_results(warehouse: Path) -> Mapping[str, Mapping[str, list[GotRow]]]:
    """Return the rows of each section by the code of the situation, with the ids as the situation writes them."""
    found: dict[str, dict[str, list[GotRow]]] = defaultdict(lambda: defaultdict(list))
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
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
    return value.removeprefix("crm/Opportunity/").removeprefix(f"{code}.").replace(f"@{code}.", "@")


def compare(case: Case, got: Mapping[str, list[GotRow]]) -> CaseResult:
    """Set each section that the situation expects beside what came out.

    A section that is given is complete: a row that came out and is not expected is a difference, unless the section
    is `partial`, or the row is one of nothing in a section of money.
    """
    result = CaseResult(case)
    expect = case.body["expect"]
    partial = expect.get("partial") or []
    for section in GOT:
        if section in expect:
            rest = list(got.get(section, []))
            for expected, row in paired(expect[section] or [], rest):
                _tell(result, section, expected, row)
            for row in rest if section not in partial else []:
                _tell_unexpected(result, section, row)
    return result


def paired(expected: Sequence[Body], rest: list[GotRow]) -> list[tuple[Body, GotRow | None]]:
    """Give each expected row the row that is meant, taken from `rest`: first the equal ones, then the like."""
    found: dict[int, GotRow] = {}
    for is_like in (False, True):
        # The row that says most chooses first.
        for position in sorted(range(len(expected)), key=lambda position: -len(expected[position])):
            if position not in found:
                keys = [key for key in expected[position] if not is_like or key not in FIGURES]
                fits = [row for row in rest if all(same(expected[position][k], row.get(k)) for k in keys)]
                if fits:
                    found[position] = fits[0]
                    rest.remove(fits[0])
    return [(row, found.get(position)) for position, row in enumerate(expected)]


def _tell_unexpected(result: CaseResult, section: str, row: GotRow) -> None:
    figure = number(row.get("amount", row.get("attained", 1)))
    if section not in MONEY or figure:
        result.figures.append(Figure(section, written(row.items()), "row", "none", "there", False))


def _tell(result: CaseResult, section: str, expected: Body, row: GotRow | None) -> None:
    stated = written((key, value) for key, value in expected.items() if key not in FIGURES)
    figures = [key for key in FIGURES if key in expected]
    for key in figures:
        came = "no row" if row is None else plain(row.get(key))
        is_met = row is not None and same(expected[key], row.get(key))
        result.figures.append(Figure(section, stated, key, plain(expected[key]), came, is_met))
    if not figures:
        came = "no row" if row is None else "there"
        result.figures.append(Figure(section, stated, "row", "there", came, row is not None))


def same(expected: Any, got: Any) -> bool:
    """True when two values are equal: numbers as numbers, all else as text; an empty cell equals None."""
    if isinstance(got, Decimal) or isinstance(expected, Decimal):
        return expected is not None and got is not None and number(expected) == number(got)
    return text(expected) == text(got)


def plain(value: Any) -> str:
    """Return a value as text, a number without trailing zeros."""
    if isinstance(value, Decimal):
        shown = f"{value:f}"
        return shown.rstrip("0").rstrip(".") if "." in shown else shown
    return text(value) or "empty"


def written(cells: Iterable[tuple[str, Any]]) -> str:
    """Return cells as text: deal d01, payee ana."""
    return ", ".join(f"{key} {plain(value)}" for key, value in cells if value is not None)


def report(results: Sequence[CaseResult]) -> Iterator[str]:
    """Yield each situation with its figures side by side, and the count at the end."""
    for result in results:
        yield f"{'PASS' if result.is_met else 'FAIL'}  {result.case.title}  ({result.case.file.name})"
        if result.case.body.get("source"):
            yield f"      source: {result.case.body['source']}"
        yield from _table(result.figures)
    failed = sum(not result.is_met for result in results)
    ending = f", {failed} did not" if failed else ""
    yield f"{len(results) - failed} of {len(results)} situations came out as expected{ending}"


def _table(figures: Sequence[Figure]) -> Iterator[str]:
    """Yield the figures of one situation as aligned lines."""
    width = max((len(figure.row) for figure in figures), default=0)
    for figure in figures:
        line = (
            f"      {figure.section:<11} {figure.row:<{width}}  {figure.name:<8} "
            f"expected {figure.expected:>12}  got {figure.got:>12}"
        )
        yield line if figure.is_met else f"{line}  <-- differs"
