"""A small company's seeds as dictionaries, written into a folder that a test may break."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from orchestration.plans.checks.tables import COLUMNS, header_of

SYSTEMS = {
    "crm/Opportunity": {
        "current": "stg_crm__opportunities",
        "as_of_close": "stg_crm__opportunities_since_close",
    },
    "maven_crm/sales_pipeline": {"current": "stg_maven_crm__opportunities"},
}
# Custom fields are those of the extract's header that the landing does not declare.
OPPORTUNITY_HEADER = "Id,Name,OwnerId,StageName,Amount,Type,CloseDate,Margin__c,Region__c"

TYPES = {
    "_from": "date",
    "_to": "date",
    "_number": "integer",
    "priority": "integer",
    "tier_from": "decimal(28, 10)",
    "tier_to": "decimal(28, 10)",
    "basis_from": "decimal(28, 10)",
    "basis_to": "decimal(28, 10)",
    "condition_from": "decimal(28, 10)",
    "condition_to": "decimal(28, 10)",
    "value": "decimal(28, 10)",
    "rate": "decimal(18, 10)",
    "level_factor": "decimal(18, 10)",
    "share_weight": "decimal(18, 10)",
}
TESTS: dict[str, list[dict[str, Any]]] = {
    "plans": [
        {"no_overlap": {"partition_by": ["plan_id"], "valid_from": "valid_from", "valid_to": "valid_to"}}
    ],
    "tiers": [
        {
            "contiguous_tiers": {
                "partition_by": ["plan_id", "valid_from"],
                "tier_from": "tier_from",
                "tier_to": "tier_to",
                "closed_by": "tier_amount_expression",
            }
        },
        {
            "no_overlap": {
                "partition_by": ["plan_id", "tier_number"],
                "valid_from": "valid_from",
                "valid_to": "valid_to",
            }
        },
    ],
}

PLAN = {
    "valid_from": "2024-01-01",
    "source_object": "crm/Opportunity",
    "currency_code": "USD",
    "filter_expression": "\"Type\" = 'New'",
    "value_expression": '"Amount"',
    "value_currency_code": "transaction",
    "amount_basis_code": "current",
    "settle_days": "0",
    "calendar_id": "month",
    "aggregate_code": "sum",
    "quota_proration_code": "none",
    "tier_basis_code": "amount",
    "tier_bound_code": "lower_inclusive",
    "tier_start_code": "zero",
    "tier_method_code": "marginal",
    "incentive_proration_code": "none",
    "is_rollup_capped": "false",
    "beneficiary_code": "payee",
    "gap_code": "error",
    "credit_event_code": "booking",
    "payout_event_code": "booking",
}
DATED = {"valid_from": "2024-01-01"}


def rows() -> dict[str, list[dict[str, str]]]:
    """The company's seeds without a mistake; cells that are not named are empty."""
    tier = {**DATED, "tier_from": "0"}
    owner = {
        **DATED,
        "rule_id": "owner",
        "rule_group": "main",
        "priority": "1",
        "recipient_code": "owner",
        "credit_type_code": "direct",
    }
    return {
        "plans": [
            {**PLAN, "plan_id": "hunter", "quota_expression": "@@Quota", "tier_basis_code": "quota_ratio"},
            {
                **PLAN,
                "plan_id": "table",
                "tier_method_code": "crossing",
                "payable_expression": 'cast("Margin__c" as decimal(28, 10))',
                "rate_dimension_1_expression": '"Region__c"',
            },
            {
                **PLAN,
                "plan_id": "points",
                "catalogue_id": "points_2024",
                "catalogue_key_expression": '"Type"',
                "value_expression": "@@CatalogueValue",
                "value_currency_code": "plan",
                "calendar_id": "fiscal",
                "amount_basis_code": "as_of_close",
            },
            {
                **PLAN,
                "plan_id": "quality",
                "aggregate_code": "weighted_average",
                "weight_expression": '"Amount" * @@Weight',
                "quota_expression": "100",
            },
            {**PLAN, "plan_id": "deal", "calendar_id": "transaction"},
            {**PLAN, "plan_id": "career", "calendar_id": "life"},
        ],
        "payout_terms": [
            {
                **DATED,
                "plan_id": "deal",
                "collected_part_code": "net",
                "rebate_code": "uncollected",
                "overpayment_code": "capped",
                "clawback_policy_code": "original_rate",
                "clawback_base_code": "paid",
                "clawback_window_days": "90",
                "clawback_proration_code": "straight_line",
                "unpaid_after_days": "60",
                "cancelled_date_expression": '"CloseDate"',
                "hold_days": "0",
                "holdback_ratio": "0.2",
                "holdback_release_code": "days",
                "holdback_days": "30",
            }
        ],
        "holds": [{"hold_id": "audit", "plan_id": "hunter", "held_from": "2024-01-01", "reason": "audit"}],
        "draws": [
            {
                **DATED,
                "draw_id": "ramp",
                "plan_id": "hunter",
                "payee_id": "275",
                "draw_kind_code": "recoverable",
                "covers_code": "plan",
                "currency_code": "USD",
                "amount": "2500",
                "recovery_ratio": "0.5",
            }
        ],
        "plan_assignments": [{**DATED, "plan_id": "hunter", "payee_id": "275"}],
        "tiers": [
            {
                **tier,
                "plan_id": "hunter",
                "tier_number": "1",
                "tier_to": "1",
                "rate_expression": "@@BaseRate",
            },
            {
                **tier,
                "plan_id": "hunter",
                "tier_number": "2",
                "tier_from": "1",
                "rate_expression": "@@BaseRate * 2",
            },
            {**tier, "plan_id": "table", "tier_number": "1", "tier_to": "50000", "rate_expression": "1"},
            {**tier, "plan_id": "table", "tier_number": "2", "tier_from": "50000", "rate_expression": "1.5"},
            {
                **tier,
                "plan_id": "points",
                "tier_number": "1",
                "tier_to": "100",
                "tier_amount_expression": "500",
            },
        ],
        "rates": [
            {**DATED, "plan_id": "table", "tier_number": "1", "dimension_1_value": "EU", "rate": "0.05"},
            {**DATED, "plan_id": "table", "tier_number": "2", "dimension_1_value": "EU", "rate": "0.06"},
            {**DATED, "plan_id": "table", "rate": "0.04"},
        ],
        "bonuses": [
            {
                **DATED,
                "plan_id": "hunter",
                "bonus_number": "1",
                "bonus_kind_code": "linear",
                "basis_code": "attainment_ratio",
                "basis_from": "1",
                "basis_to": "2",
                "amount_expression": "100",
                "amount_to_expression": "@@Bonus",
                "frequency_code": "month",
            },
            {
                **DATED,
                "plan_id": "quality",
                "bonus_number": "1",
                "bonus_kind_code": "rank",
                "basis_code": "attained_amount",
                "basis_from": "1",
                "basis_to": "2",
                "amount_expression": "1000",
                "frequency_code": "window",
            },
            {
                **DATED,
                "plan_id": "quality",
                "bonus_number": "2",
                "bonus_kind_code": "rank",
                "basis_code": "attained_amount",
                "basis_from": "2",
                "basis_to": "4",
                "amount_expression": "500",
                "frequency_code": "window",
            },
        ],
        "modifiers": [
            {
                **DATED,
                "plan_id": "table",
                "modifier_number": "1",
                "modifier_kind_code": "gate",
                "condition_plan_id": "hunter",
                "condition_from": "0.5",
            },
            {
                **DATED,
                "plan_id": "table",
                "modifier_number": "2",
                "modifier_kind_code": "cap",
                "scope_code": "month",
                "amount_expression": "10000",
            },
            {
                **DATED,
                "plan_id": "deal",
                "modifier_number": "1",
                "modifier_kind_code": "floor",
                "scope_code": "deal",
                "amount_expression": "10",
            },
            {
                **DATED,
                "plan_id": "career",
                "modifier_number": "1",
                "modifier_kind_code": "multiplier",
                "amount_expression": "1.2",
            },
        ],
        "variables": [
            variable("Quota", "payee", "275", "100000"),
            variable("Quota", "team", "west", "100000"),
            variable("Quota", "team", "9", "90000"),
            variable("BaseRate", "plan", "hunter", "0.05"),
            variable("Weight", "global", "", "1"),
            variable("Bonus", "payee", "275", "2000"),
        ],
        "catalogue": [
            {
                **DATED,
                "catalogue_id": "points_2024",
                "catalogue_key": "New",
                "value": "12",
                "unit_code": "points",
            }
        ],
        "credit_rules": [
            *({**owner, "plan_id": plan} for plan in ("hunter", "points", "quality", "deal", "career")),
            {
                **owner,
                "plan_id": "table",
                "rule_id": "splits",
                "recipient_code": "splits",
                "split_type": "Revenue",
            },
            {
                **owner,
                "plan_id": "table",
                "rule_id": "engineer",
                "priority": "2",
                "recipient_code": "payee",
                "payee_expression": '"Name"',
                "condition_expression": '"Amount" > 0',
                "share_expression": "0.3",
            },
        ],
        "rollup_levels": [
            {
                **DATED,
                "plan_id": "hunter",
                "hierarchy_code": "manager",
                "level_number": "0",
                "level_factor": "1",
            }
        ],
        "teams": [
            {**DATED, "team_id": "world"},
            {**DATED, "team_id": "west", "parent_team_id": "world"},
        ],
        "team_memberships": [{**DATED, "team_id": "west", "payee_id": "275", "share_weight": "1"}],
        "payee_aliases": [],
        "windows": [
            window("fiscal", "2024H1", "2024-01-01", "2024-07-01"),
            window("fiscal", "2024H2", "2024-07-01", "2025-01-01"),
        ],
        "roles": [
            {**DATED, "viewer_id": "laura", "role_code": "admin", "scope_code": "all"},
            {
                **DATED,
                "viewer_id": "west_desk",
                "role_code": "limited_admin",
                "scope_code": "plan",
                "scope_id": "hunter",
            },
        ],
    }


def variable(name: str, scope: str, scope_id: str, value: str) -> dict[str, str]:
    """One row of variables."""
    return {
        **DATED,
        "variable_name": name,
        "scope_code": scope,
        "scope_id": scope_id,
        "value": value,
        "unit_code": "USD",
    }


def window(calendar: str, code: str, start: str, end: str) -> dict[str, str]:
    """One row of windows."""
    return {"calendar_id": calendar, "window_code": code, "window_from": start, "window_to": end}


@dataclass
class PlanCompany:
    """The company's rows, and the folder that they are written to."""

    root: Path
    rows: dict[str, list[dict[str, str]]] = field(default_factory=rows)

    @property
    def extracts(self) -> Path:
        """The folder of the extracts."""
        return self.root / "extracts"

    def change(self, table: str, row: int, **cells: str) -> None:
        """Change cells of a row, numbered as in the file: 2 is the first."""
        self.rows[table][row - 2].update(cells)

    def add(self, table: str, like: int, **cells: str) -> None:
        """Add a row that is like another one but for some cells."""
        self.rows[table].append({**self.rows[table][like - 2], **cells})

    def delete(self, table: str, row: int) -> None:
        """Delete a row."""
        del self.rows[table][row - 2]

    def write(self) -> None:
        """Write seeds, property files, dbt_project.yml and extracts."""
        for table, (folder, _) in COLUMNS.items():
            columns = header_of(table).split(",")
            target = self.root / "seeds" / folder
            target.mkdir(parents=True, exist_ok=True)
            with (target / f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, columns)
                writer.writeheader()
                writer.writerows({"source_document": "a contract", **row} for row in self.rows.get(table, []))
            types = {column: data_type(column) for column in columns}
            entry = {"name": table, "config": {"column_types": types}, "data_tests": TESTS.get(table, [])}
            entry["columns"] = [{"name": column} for column in columns]
            (target / f"_{table}.yml").write_text(yaml.safe_dump({"seeds": [entry]}), encoding="utf-8")
        write_text(
            self.root / "dbt_project" / "dbt_project.yml",
            [yaml.safe_dump({"vars": {"transaction_sources": SYSTEMS}})],
        )
        write_text(self.extracts / "crm" / "Opportunity.csv", [OPPORTUNITY_HEADER])
        write_text(
            self.extracts / "hris" / "territory_history.csv",
            ["employeeId,territoryId,startDate,endDate", "275,9,2024-01-01,"],
        )


def data_type(column: str) -> str:
    """The dbt data type of a seed column."""
    if column in TYPES:
        return TYPES[column]
    ending = next((ending for ending in ("_from", "_to", "_number") if column.endswith(ending)), "")
    return TYPES.get(ending, "varchar")


def write_text(path: Path, lines: Iterable[str]) -> None:
    """Write lines into a file and make its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
