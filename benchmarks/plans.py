"""The company's plans as seeds: 20 plans, their tiers, quotas, people, credit rules and roll-up levels.

A deal counts for the plan of its segment, for a product plan if it sells one of that plan's products, and for
four plans above: that of its group, of its half, of the directors and of the head, each fed by the roll-up of one
level. So each credited person earns by one plan per deal (representatives in a product plan by two).
"""

from __future__ import annotations

import csv
import shutil
from dataclasses import dataclass
from pathlib import Path

import duckdb

from benchmarks.company import FIRST_DAY, MACROS, PEOPLE

SOURCE = "benchmarks"
MEAN_AMOUNT, WON_SHARE, QUARTERS = 5500, 0.85, 8
SECOND_TIERS = "2025-01-01"  # the rates change with the year
BOUNDS = ("0", "0.5", "1", "1.25", "1.6")


@dataclass(frozen=True)
class Plan:
    """One plan: who it is for (`rank`), which deals it takes (segments and products; () = all), its first rate."""

    name: str
    rank: int
    segments: tuple[int, ...] = ()
    products: tuple[int, ...] = ()
    base_rate: float = 0.05
    tier_count: int = 3

    @property
    def filter_expression(self) -> str:
        """The SQL condition on the fields of a deal."""
        parts = []
        if self.segments:
            parts.append('"Type" in (' + ", ".join(f"'Segment {number}'" for number in self.segments) + ")")
        if self.products:
            listed = ", ".join(f"'Product {number}'" for number in self.products)
            parts.append(f'"Product_Tier__c" in ({listed})')
        return " and ".join(parts) or '"Amount" > 0'

    @property
    def quota(self) -> str:
        """The quota's variable: product plans have their own."""
        return "ProductQuota" if self.products else "Quota"


GROUPS = ((0, 1, 2), (3, 4), (5, 6, 7), (8, 9))
PLANS = (
    *(Plan(f"segment_{n}", 5, (n,), base_rate=0.05, tier_count=3 + n % 3) for n in range(10)),
    *(Plan(f"product_{n}", 5, (), tuple(range(3 * n, 3 * n + 3)), 0.01, 3 + n) for n in range(2)),
    *(Plan(f"group_{n}", 4, GROUPS[n], (), 0.01, 3 + n % 3) for n in range(4)),
    *(Plan(f"half_{n}", 3, GROUPS[2 * n] + GROUPS[2 * n + 1], (), 0.004, 4) for n in range(2)),
    Plan("directors", 2, base_rate=0.002, tier_count=5),
    Plan("head", 1, base_rate=0.001, tier_count=3),
)

ASSIGNMENTS = """
with placed as (
  select number, rank, since, until, segment,
    case rank when 5 then 'segment_' || segment when 4 then 'group_' || ((number - 69) % 4)
      when 3 then 'half_' || ((number - 9) % 2) when 2 then 'directors' else 'head' end as plan
  from stays),
merged as (
  select plan, number, min(since) as since, max(until) as until from placed group by plan, number, segment
  union all
  select 'product_' || pick(number, 'product plan', 2), number, date '2024-01-01', date '9999-01-01'
  from people where rank = 5 and draw(number, 'in product plan') < 0.15)
select plan as plan_id, payee_id(number) as payee_id, since as valid_from,
  case when until < date '9999-01-01' then until end as valid_to, '{source}' as source_document
from merged order by 1, 2, 3
"""

VARIABLES = """
with quarters as (
  select (date '2024-01-01' + to_months(cast(3 * unnest(range({quarters})) as integer)))::date as quarter),
quotas as (
  select 'Quota' as name, number, quarter, {total} / (case rank when 5 then 4500 when 4 then 431 when 3 then 60 when 2 then 8 else 1 end) as mean
  from people, quarters
  union all
  select 'ProductQuota', number, quarter, {total} / 4500 * 0.3 from people, quarters
  where rank = 5 and draw(number, 'in product plan') < 0.15)
select name as variable_name, 'payee' as scope_code, payee_id(number) as scope_id,
  greatest(round(mean * (0.6 + 0.8 * draw(number * 100 + epoch(quarter)::bigint // 86400, name)), 2), 1)::decimal(18, 2) as value,
  'USD' as unit_code, quarter as valid_from, (quarter + interval 3 month)::date as valid_to, '{source}' as source_document
from quotas order by 1, 3, 6
"""


def _plan_row(plan: Plan) -> dict[str, str]:
    return {
        "plan_id": plan.name,
        "valid_from": FIRST_DAY,
        "plan_name": plan.name.replace("_", " ").capitalize(),
        "source_object": "crm/Opportunity",
        "currency_code": "USD",
        "filter_expression": plan.filter_expression,
        "value_expression": '"Amount"',
        "value_currency_code": "transaction",
        "amount_basis_code": "current",
        "settle_days": "0",
        "calendar_id": "quarter",
        "aggregate_code": "sum",
        "quota_expression": f"@@{plan.quota}",
        "quota_proration_code": "none",
        "tier_basis_code": "quota_ratio",
        "tier_bound_code": "lower_inclusive",
        "tier_start_code": "zero",
        "tier_method_code": "marginal",
        "incentive_proration_code": "none",
        "is_rollup_capped": "false",
        "beneficiary_code": "payee",
        "gap_code": "error",
        "credit_event_code": "booking",
        "payout_event_code": "collection",
    }


def _tier_rows(plan: Plan) -> list[dict[str, str]]:
    rows = []
    for version, (since, until) in enumerate([(FIRST_DAY, SECOND_TIERS), (SECOND_TIERS, "")]):
        for tier in range(plan.tier_count):
            rate = plan.base_rate * (1 + 0.35 * tier) * (1.02 + 0.02 * version)
            rows.append(
                {
                    "plan_id": plan.name,
                    "valid_from": since,
                    "valid_to": until,
                    "tier_number": str(tier + 1),
                    "tier_from": BOUNDS[tier],
                    "tier_to": BOUNDS[tier + 1] if tier + 1 < plan.tier_count else "",
                    "rate_expression": f"{rate:.6f}",
                }
            )
    return rows


def _rule_rows(plan: Plan) -> list[dict[str, str]]:
    common = {"plan_id": plan.name, "valid_from": FIRST_DAY, "rule_group": "main"}
    return [
        common
        | {"rule_id": "1_splits", "priority": "1", "recipient_code": "splits", "credit_type_code": "split"},
        common
        | {"rule_id": "2_owner", "priority": "2", "recipient_code": "owner", "credit_type_code": "direct"},
    ]


def _level_row(plan: Plan) -> dict[str, str]:
    return {
        "plan_id": plan.name,
        "valid_from": FIRST_DAY,
        "hierarchy_code": "manager",
        "level_number": str(5 - plan.rank),
        "level_factor": "1",
    }


def _fill(path: Path, rows: list[dict[str, str]]) -> None:
    """Replace the rows of a seed, keeping its header."""
    header = path.read_text(encoding="utf-8").splitlines()[0]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, header.split(","), restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(row | {"source_document": SOURCE} for row in rows)


def _copy(connection: duckdb.DuckDBPyConnection, path: Path, select: str) -> None:
    connection.execute(f"copy ({select}) to '{path}' (format csv, header)")


def write_seeds(folder: Path, project_seeds: Path, deals: int) -> None:
    """Write all seeds for a company with this many deals; property files and reference data are the project's."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(project_seeds, folder)
    for seed in folder.glob("*/*.csv"):
        if seed.parent.name != "reference":
            _fill(seed, [])
    _fill(folder / "plans/plans.csv", [_plan_row(plan) for plan in PLANS])
    _fill(folder / "plans/tiers.csv", [row for plan in PLANS for row in _tier_rows(plan)])
    _fill(folder / "crediting/credit_rules.csv", [row for plan in PLANS for row in _rule_rows(plan)])
    _fill(folder / "crediting/rollup_levels.csv", [_level_row(plan) for plan in PLANS if plan.rank < 5])
    total = deals * WON_SHARE * MEAN_AMOUNT / QUARTERS
    with duckdb.connect() as connection:
        connection.execute(MACROS + PEOPLE)
        _copy(connection, folder / "plans/plan_assignments.csv", ASSIGNMENTS.format(source=SOURCE))
        variables = VARIABLES.format(source=SOURCE, total=total, quarters=QUARTERS)
        _copy(connection, folder / "plans/variables.csv", variables)
