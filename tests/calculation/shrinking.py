"""Find the smallest company on which warehouse and oracle still differ, and print it.

All smaller companies of a round stand side by side in one warehouse: first each step alone, then more and more of the
steps that kept the difference together.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from orchestration.plans.situations.build import BuildError
from tests.calculation.batches import Build, differences, expected, merged, name_of, renamed
from tests.support.companies.company_files import Row, Tables
from tests.support.companies.random_company import SHARED, list_gaps

STEPS_MAX = 150  # of one round
ROUNDS_MAX = 4
DROPPED_ROW_BY_ROW = """
    bonuses modifiers rates rollup_levels credit_rules variables catalogue team_memberships payee_aliases teams
    windows plan_assignments crm/OpportunitySplit billing/payments hris/territory_history hris/job_info
    payout_terms holds draws employment_spans
"""
SIMPLE_PLANS = {
    "payable_expression": None,
    "amount_basis_code": "current",
    "settle_days": "0",
    "progress_id": None,
    "aggregate_code": "sum",
    "weight_expression": None,
    "quota_proration_code": "none",
    "incentive_proration_code": "none",
    "tier_bound_code": "lower_inclusive",
    "tier_start_code": "zero",
    "tier_method_code": "marginal",
    "is_rollup_capped": "false",
    "beneficiary_code": "payee",
    "credit_event_code": "booking",
    "payout_event_code": "booking",
    "value_expression": '"Amount"',
    "currency_code": "USD",
    "calendar_id": "month",
}
SIMPLE_TERMS = {
    "collected_part_code": "net",
    "rebate_code": "uncollected",
    "overpayment_code": "capped",
    "expire_after_days": None,
    "clawback_base_code": "paid",
    "clawback_window_days": None,
    "unpaid_after_days": None,
    "cancelled_date_expression": None,
    "hold_days": "0",
    "holdback_ratio": None,
}
SIMPLE_CELLS: dict[str, dict[str, str | None]] = {"plans": SIMPLE_PLANS, "payout_terms": SIMPLE_TERMS}
Step = Callable[[Tables], Tables]
Show = Callable[[str], None]


def without(unwanted: Callable[[str, Row], bool]) -> Step:
    def step(tables: Tables) -> Tables:
        return {
            name: rows if is_shared(name) else [row for row in rows if not unwanted(name, row)]
            for name, rows in tables.items()
        }

    return step


def is_shared(name: str) -> bool:
    return name in SHARED or name.startswith("fx/")


def without_ids(*ids: str) -> Step:
    """Drop all rows that name a person, deal, plan or team in a cell of its own."""
    dropped = set(ids)
    return without(lambda name, row: not dropped.isdisjoint(cell for cell in row.values() if cell))


def without_row(table: str, unwanted: Row) -> Step:
    return without(lambda name, row: name == table and row == unwanted)


def without_table(table: str) -> Step:
    return lambda tables: tables | {table: []}


def with_cells(table: str, column: str, value: str | None) -> Step:
    """Give all rows of a table one value in a column."""

    def step(tables: Tables) -> Tables:
        return tables | {table: [row | {column: value} for row in tables[table]]}

    return step


def steps(tables: Tables) -> Iterator[Step]:
    """Return ways to make a company smaller, the big ones first."""
    deals = [row["Id"] or "" for row in tables["crm/Opportunity"]]
    half = len(deals) // 2
    if half:
        yield without_ids(*deals[:half])
        yield without_ids(*deals[half:])
    yield from (without_ids(row["plan_id"] or "") for row in tables["plans"])
    yield from (without_ids(row["id"] or "") for row in tables["hris/employees"])
    yield from (without_ids(deal) for deal in deals)
    for table in DROPPED_ROW_BY_ROW.split():
        if tables.get(table):
            yield without_table(table)
            yield from (without_row(table, row) for row in tables[table])
    for table, cells in SIMPLE_CELLS.items():
        for column, value in cells.items():
            if any(row[column] != value for row in tables.get(table, [])) and is_allowed(tables, column):
                yield with_cells(table, column, value)


def is_allowed(tables: Tables, column: str) -> bool:
    """Tell whether a column can be made simple by itself: a plan that credits payments pays on them too."""
    credited = {row["credit_event_code"] for row in tables["plans"]}
    return column != "payout_event_code" or "collection" not in credited


def is_whole(tables: Tables) -> bool:
    return all(tables.get(name) for name in ("crm/Opportunity", "plans", "hris/employees"))


def tried(made: list[Tables], name: str, table: str, build: Build, home: Path) -> list[bool]:
    """Build companies side by side, and tell of each whether it still differs in a table, and first there."""
    companies = {}
    for number, tables in enumerate(made):
        again = renamed(tables, name, name_of(number))
        try:
            list_gaps(again)
        except ValueError:
            continue  # two teams with a value, a plan without tiers ...
        if is_whole(again):
            companies[name_of(number)] = again
    warehouse = build(merged(companies.values()), home)
    found = differences(warehouse, expected(companies))
    return [next(iter(found.get(name_of(number), {})), None) == table for number in range(len(made))]


def shrunk(tables: Tables, name: str, table: str, build: Build, home: Path, show: Show = print) -> Tables:
    """Return the smallest company found of which `table` still differs first; it may be the company itself."""
    for round_number in range(ROUNDS_MAX):
        possible = list(steps(tables))[:STEPS_MAX]
        homes = [home / f"{round_number}_{part}" for part in ("alone", "together")]
        try:
            alone = tried([step(tables) for step in possible], name, table, build, homes[0])
            good = [step for step, differs in zip(possible, alone, strict=True) if differs]
            show(f"shrinking: {len(good)} of {len(possible)} steps keep the difference")
            if not good:
                break
            together = [tables]
            for step in good:
                together.append(step(together[-1]))
            kept = tried(together[1:], name, table, build, homes[1])
        except BuildError as error:
            show(f"shrinking ends: dbt cannot build the smaller companies\n{error}")
            break
        last = max((at for at, differs in enumerate(kept) if differs), default=0)
        tables = together[last + 1]
    return tables


def written_out(tables: Tables) -> str:
    """Return the tables of a company as text, without empty columns."""
    said = []
    for name, rows in tables.items():
        if is_shared(name) or not rows:
            continue
        said.append(f"\n{name}")
        columns = [
            column for column in rows[0] if column != "source_document" and any(row[column] for row in rows)
        ]
        cells = [columns, *([row[column] or "" for column in columns] for row in rows)]
        widths = [max(len(line[at]) for line in cells) for at in range(len(columns))]
        said += [
            "  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            for line in cells
        ]
    return "\n".join(said)
