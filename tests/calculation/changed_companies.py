"""The same company in other words: its rows in another order, its money doubled, its people under other ids."""

import re
from collections.abc import Mapping
from decimal import Decimal
from random import Random

from tests.calculation.batches import renamed
from tests.support.companies.company_files import Row, Tables
from tests.support.companies.random_company import SHARED

MONEY_EXPRESSIONS = {
    "plans": ("value_expression", "payable_expression", "quota_expression", "incentive_expression"),
    "tiers": ("tier_amount_expression",),
    "bonuses": ("amount_expression", "amount_to_expression"),
}

# Tables whose records have several rows, one for each version in the order of landing, and the id of a record.
VERSIONED = {"crm/Opportunity": "Id", "crm/OpportunitySplit": "Id", "hris/employees": "id"}


def shuffled(tables: Tables, random: Random) -> Tables:
    """Put the rows of every table in another order; versions of one record stay in theirs."""
    mixed: Tables = {}
    for name, rows in tables.items():
        places = list(range(len(rows)))
        random.shuffle(places)
        if name in VERSIONED:
            records: dict[str | None, list[Row]] = {}
            for row in rows:
                records.setdefault(row[VERSIONED[name]], []).append(row)
            of_record = list(records.values())
            random.shuffle(of_record)
            mixed[name] = [row for versions in of_record for row in versions]
        else:
            mixed[name] = [rows[place] for place in places]
    return mixed


def doubled(tables: Tables) -> Tables:
    """Double all values, quotas, bounds in money, incentives, amounts of tiers, bonuses, floors and caps.

    Rates, ratios and multipliers stay.
    """
    made = {name: [dict(row) for row in rows] for name, rows in tables.items()}
    for name, columns in MONEY_EXPRESSIONS.items():
        for row in made.get(name, []):
            for column in columns:
                row[column] = row[column] and f"({row[column]}) * 2"
    by_ratio = {row["plan_id"] for row in tables["plans"] if row["tier_basis_code"] == "quota_ratio"}
    for row in made.get("tiers", []):
        if row["plan_id"] not in by_ratio:
            double(row, "tier_from", "tier_to")
    for row in made.get("bonuses", []):
        if row["basis_code"] == "attained_amount" and row["bonus_kind_code"] != "rank":
            double(row, "basis_from", "basis_to")
    for row in made.get("modifiers", []):
        if row["modifier_kind_code"] in ("floor", "cap"):
            double(row, "amount_expression")
    return made


def double(row: Row, *columns: str) -> None:
    for column in columns:
        text = row[column]
        row[column] = text and f"2 * {text}" if column.endswith("expression") else text and twice(text)


def twice(number: str) -> str:
    """Return a number doubled, as text: 333.33 -> 666.66."""
    return str(2 * Decimal(number))


def with_other_ids(tables: Tables, name: str) -> tuple[Tables, dict[str, str]]:
    """Give each person the id of another one, everywhere. Returns the company and the old ids -> the new ones."""
    people = list(dict.fromkeys(row["id"] or "" for row in tables["hris/employees"]))
    others = dict(zip(people, people[::-1], strict=True))
    pattern = re.compile(rf"\b{name}p\d+\b")

    def put(row: Row) -> Row:
        return {
            column: text and pattern.sub(lambda found: others.get(found.group(), found.group()), text)
            for column, text in row.items()
        }

    made = {
        table: rows if table in SHARED or table.startswith("fx/") else [put(row) for row in rows]
        for table, rows in tables.items()
    }
    return made, others


def beside(companies: Mapping[str, Tables], letter: str) -> dict[str, Tables]:
    """Rename companies k001, k002 ... to <letter>001, <letter>002 ..."""
    return {letter + name[1:]: renamed(tables, name, letter + name[1:]) for name, tables in companies.items()}
