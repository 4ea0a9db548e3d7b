"""The plan tables as the cross-checks read them: rows by table, and what surrounds the seeds."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import cached_property
from pathlib import Path

from ingestion.expressions import Expression, expressions
from ingestion.landing.files import InputError, locate
from ingestion.landing.tables import PRECISION, Column, Table
from ingestion.models import DEAL_FIELDS, DEALS, DealTable, deal_table, read_yaml
from ingestion.registry import SYSTEMS
from orchestration.plans.checks.contracts import type_error
from orchestration.plans.checks.files import SeedFile
from orchestration.plans.checks.problems import Problem

# Folder of each table and the columns without which its cross-checks mean nothing; the header that an absent file
# gets. Every table ends with source_document.
COLUMNS: dict[str, tuple[str, str]] = {
    "plans": (
        "plans",
        "plan_id,valid_from,valid_to,plan_name,source_object,currency_code,filter_expression,value_expression,"
        "value_currency_code,payable_expression,amount_basis_code,settle_days,current_fields,catalogue_id,catalogue_key_expression,"
        "rate_dimension_1_expression,rate_dimension_2_expression,rate_dimension_3_expression,calendar_id,progress_id,"
        "aggregate_code,weight_expression,quota_expression,quota_proration_code,tier_basis_code,tier_bound_code,"
        "tier_start_code,tier_method_code,incentive_expression,incentive_proration_code,is_rollup_capped,beneficiary_code,gap_code,"
        "credit_event_code,payout_event_code",
    ),
    "payout_terms": (
        "plans",
        "plan_id,valid_from,valid_to,collected_part_code,rebate_code,overpayment_code,expire_after_days,"
        "clawback_policy_code,clawback_base_code,clawback_window_days,clawback_proration_code,unpaid_after_days,"
        "cancelled_date_expression,hold_days,holdback_ratio,holdback_release_code,holdback_days,"
        "leaver_code,leaver_days",
    ),
    "holds": ("plans", "hold_id,plan_id,payee_id,transaction_id,held_from,held_to,reason"),
    "draws": (
        "plans",
        "draw_id,plan_id,payee_id,valid_from,valid_to,draw_kind_code,covers_code,currency_code,amount,"
        "balance_max_amount,recovery_ratio,recovery_amount_max",
    ),
    "plan_assignments": ("plans", "plan_id,payee_id,valid_from,valid_to"),
    "tiers": (
        "plans",
        "plan_id,valid_from,valid_to,tier_number,tier_from,tier_to,rate_expression,tier_amount_expression",
    ),
    "rates": (
        "plans",
        "plan_id,valid_from,valid_to,tier_number,dimension_1_value,dimension_2_value,dimension_3_value,rate",
    ),
    "bonuses": (
        "plans",
        "plan_id,valid_from,valid_to,bonus_number,bonus_kind_code,basis_code,basis_from,basis_to,amount_expression,"
        "amount_to_expression,frequency_code",
    ),
    "modifiers": (
        "plans",
        "plan_id,valid_from,valid_to,modifier_number,modifier_kind_code,scope_code,amount_expression,"
        "condition_plan_id,condition_from,condition_to",
    ),
    "variables": ("plans", "variable_name,scope_code,scope_id,value,unit_code,valid_from,valid_to"),
    "catalogue": ("plans", "catalogue_id,catalogue_key,valid_from,valid_to,value,unit_code"),
    "credit_rules": (
        "crediting",
        "plan_id,valid_from,valid_to,rule_id,rule_group,priority,recipient_code,payee_expression,split_type,"
        "split_total_code,condition_expression,share_expression,credit_type_code",
    ),
    "rollup_levels": ("crediting", "plan_id,valid_from,valid_to,hierarchy_code,level_number,level_factor"),
    "employment_spans": ("crediting", "payee_id,employment_code,valid_from,valid_to"),
    "teams": ("crediting", "team_id,valid_from,valid_to,parent_team_id,leader_payee_id"),
    "team_memberships": ("crediting", "team_id,payee_id,valid_from,valid_to,share_weight"),
    "payee_aliases": ("crediting", "source_system,alias,payee_id,valid_from,valid_to"),
    "windows": ("calendar", "calendar_id,window_code,window_from,window_to"),
    "roles": ("operations", "viewer_id,role_code,scope_code,scope_id,valid_from,valid_to"),
    "crm_targets": (
        "crm",
        "target_id,system_code,source_name,source_object,grain_code,crm_object,key_field,least_state_code",
    ),
    "crm_fields": ("crm", "target_id,column_name,crm_field"),
    "open_deals": (
        "planning",
        "source_object,open_expression,close_date_expression,probability_expression",
    ),
    "won_fields": ("planning", "source_object,field_name,won_expression"),
    "accounts": ("accounting", "account_code,account_name,account_kind_code"),
    "posting_rules": (
        "accounting",
        "posting_code,plan_id,entry_kind_code,debit_account_code,credit_account_code",
    ),
    "capitalisation_rules": (
        "accounting",
        "plan_id,valid_from,valid_to,benefit_months,expedient_months_max,first_month_code,cost_change_code",
    ),
    "entry_kinds": ("reference", "event_code,entry_kind_code,is_contract_cost,description"),
    "pay_groups": (
        "payroll",
        "pay_group_id,valid_from,valid_to,layout_id,company_code,deduction_code,negative_net_code",
    ),
}


def header_of(table: str) -> str:
    """The header line of a table of the plans."""
    return f"{COLUMNS[table][1]},source_document"


@dataclass(frozen=True)
class Row:
    """One line of a seed. `number` counts lines of the file, the header is 1."""

    file: str
    number: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells[column]

    def problem(self, column: str, message: str, fix: str, *others: Row) -> Problem:
        """A problem of this row, or of this and other rows of the same file."""
        numbers = tuple(sorted({self.number, *(other.number for other in others)}))
        return Problem(self.file, numbers, column, message, fix)

    def holds_on(self, day: str) -> bool:
        """True where valid_from <= day < valid_to; an empty end is open."""
        return self["valid_from"] <= day and (not self["valid_to"] or day < self["valid_to"])

    def meets(self, other: Row) -> bool:
        """True where the two rows hold on a common day."""
        ends = (self["valid_to"], other["valid_to"])
        last_start = max(self["valid_from"], other["valid_from"])
        return all(not end or last_start < end for end in ends)

    def number_in(self, column: str) -> Decimal | None:
        """The cell as a number; None when empty or no number (reported by its type)."""
        try:
            return Decimal(self[column]) if self[column] else None
        except InvalidOperation:
            return None


@dataclass(frozen=True)
class Company:
    """The plan tables of one seeds folder.

    Attributes:
        rows: rows of each table that can be read, by table. Rows whose dates cannot be read are left out: they are
            reported by their type, and every other word about them would mislead.
        sources: amount_basis_codes of each source object of the data pool, from dbt_project.yml.
        extracts: folder of the extracts; None where only the declared fields and no territories are known.
        expressions: the columns that hold expressions.
    """

    rows: Mapping[str, list[Row]]
    sources: Mapping[str, frozenset[str]]
    extracts: Path | None = None
    expressions: tuple[Expression, ...] = ()
    _fields: dict[str, dict[str, str]] = field(default_factory=dict)

    def __getitem__(self, table: str) -> list[Row]:
        return self.rows[table]

    def has(self, tables: Iterable[str]) -> bool:
        """True where every one of the tables is there with all its columns."""
        return all(table in self.rows for table in tables)

    def of_plan(self, table: str, plan_id: str) -> list[Row]:
        """The rows of one plan."""
        return self._by_plan.get((table, plan_id), [])

    @cached_property
    def _by_plan(self) -> dict[tuple[str, str], list[Row]]:
        found: dict[tuple[str, str], list[Row]] = {}
        for table, rows in self.rows.items():
            for row in rows:
                if "plan_id" in row.cells:
                    found.setdefault((table, row["plan_id"]), []).append(row)
        return found

    def values_of(self, variable: str) -> list[Row]:
        """The rows of one variable."""
        return self._by_variable.get(variable, [])

    @cached_property
    def _by_variable(self) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = {}
        for row in self.rows.get("variables", []):
            found.setdefault(row["variable_name"], []).append(row)
        return found

    def versions(self, row: Row, plan_id: str | None = None) -> Iterator[Row]:
        """The plan versions that hold on a day on which `row` holds; of `row`'s plan or of another."""
        for version in self.of_plan("plans", plan_id or row["plan_id"]):
            if version.meets(row):
                yield version

    def fields_of(self, source_object: str) -> Mapping[str, str]:
        """DuckDB types of the fields of a source object, by the source's own names.

        Declared columns, and the further columns of the extract: those land as text.
        """
        if source_object not in self._fields:
            system, _, name = source_object.partition("/")
            chosen = deal_table() if source_object == DEALS else None
            if chosen is not None:
                system, name = chosen[0], chosen[1].name
            table = (
                next((t for t in SYSTEMS[system].tables if t.name == name), None)
                if system in SYSTEMS
                else None
            )
            declared = {column.name: _duckdb_type(column) for column in table.columns} if table else {}
            further = self.header(system, table) if table else ()
            if chosen is not None and declared:
                declared = _with_deal_fields(declared, chosen[1])
            self._fields[source_object] = {**dict.fromkeys(further, "VARCHAR"), **declared}
        return self._fields[source_object]

    def header(self, system: str, table: Table) -> tuple[str, ...]:
        """The column names of an extract; empty where it cannot be read (reported with the extracts)."""
        return next(self._lines(system, table), ())

    @cached_property
    def territories(self) -> frozenset[str] | None:
        """The territory ids of the HRIS's memberships; None where they are not known before the HRIS is landed.

        They are in its extract. A connector that reads the HRIS has none, and perhaps no such table; a system that
        replaces it has tables of its own.
        """
        hris = SYSTEMS.get("hris")
        table = (
            next((table for table in hris.tables if table.name == "territory_history"), None)
            if hris
            else None
        )
        if table is None:
            return None
        lines = self._lines("hris", table)
        header = next(lines, ())
        if "territoryId" not in header:
            return None
        place = header.index("territoryId")
        return frozenset(cells[place] for cells in lines if len(cells) > place)

    def _lines(self, system: str, table: Table) -> Iterator[tuple[str, ...]]:
        """The lines of an extract as text; stops where they cannot be read."""
        # The extracts of a system that a connector reads are outdated and say nothing about it.
        if self.extracts is None or not SYSTEMS[system].reads_files:
            return
        try:
            path, _ = locate(self.extracts, system, table)
            if path is None:
                return
            opened = gzip.open if path.suffix == ".gz" else open
            with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
                yield from map(tuple, csv.reader(file))
        except (InputError, OSError, EOFError, UnicodeDecodeError, csv.Error):
            return


def _with_deal_fields(declared: Mapping[str, str], deals: DealTable) -> dict[str, str]:
    """The columns of a connected CRM's deals, and the fields of the CRM that staging adds to them."""
    made = {name.lower() for name in DEAL_FIELDS}
    by_name = {name.lower(): kind for name, kind in declared.items()}
    types = {
        "CloseDate": "DATE",
        "IsDeleted": "BOOLEAN",
        "Amount": by_name[deals.fields.get("Amount", "amount")],
    }
    kept = {name: kind for name, kind in declared.items() if name.lower() not in made}
    return kept | {name: types.get(name, "VARCHAR") for name in DEAL_FIELDS}


def _duckdb_type(column: Column) -> str:
    types = {
        "text": "VARCHAR",
        "decimal": f"DECIMAL({PRECISION},{column.scale})",
        "date": "DATE",
        "timestamp": "TIMESTAMP WITH TIME ZONE",
        "bool": "BOOLEAN",
        "bigint": "BIGINT",
    }
    return types[column.type]


def read_company(seeds: Mapping[str, SeedFile], root: Path, extracts: Path | None) -> Company:
    """The rows of the plan tables that are there whole."""
    rows = {
        name: [
            Row(seed.file, number, cells)
            for number, cells in seed.rows
            if all(_is_day(cells[column]) for column in seed.header if column.endswith(("_from", "_to")) and
                   column.startswith(("valid", "window")))
            and cells.get("valid_from", cells.get("window_from", "-")) != ""
        ]
        for name, seed in seeds.items()
        if name in COLUMNS and set(COLUMNS[name][1].split(",")) <= set(seed.header)
    }  # fmt: skip
    return Company(rows, read_sources(root), extracts, expressions(root / "seeds"))


def _is_day(cell: str) -> bool:
    return cell == "" or type_error(cell, "date") is None


def read_sources(root: Path) -> dict[str, frozenset[str]]:
    """The source objects of the data pool and the amount_basis_codes that each has a model for."""
    path = root / "dbt_project" / "dbt_project.yml"
    if not path.is_file():
        return {}
    project = read_yaml(path.read_text(encoding="utf-8")) or {}
    sources = (project.get("vars") or {}).get("transaction_sources") or {}
    return {
        name: frozenset(models if isinstance(models, dict) else ("current",))
        for name, models in sources.items()
    }
