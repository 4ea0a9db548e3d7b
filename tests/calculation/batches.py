"""Many random companies in one warehouse: merge, build, compare each with the oracle."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from random import Random
from typing import Any

from tests.calculation.compared import COMPARED, Key, Rows, read, side_by_side
from tests.calculation.oracle import Result, calculate
from tests.support.companies.company_files import Row, Tables
from tests.support.companies.random_company import AS_OF, SHARED, random_company

NAMED = re.compile(r"(?:bonus\||floor\||crm/Opportunity/)?([a-z]\d{3})")  # an id of company k001
Build = Callable[[Tables, Path], Path]


def name_of(number: int) -> str:
    """Return the name of a company, with no letter that ids use."""
    return f"k{number:03}"


def random_companies(seed: int, first: int, count: int, *, is_plain: bool = False) -> dict[str, Tables]:
    """Make companies by name; each has its own random numbers, so that it can be made again alone."""
    made = {}
    for number in range(first, first + count):
        name = name_of(number - first)
        made[name] = random_company(name, Random(f"{seed}/{number}"), is_plain=is_plain)
    return made


def merged(companies: Iterable[Tables]) -> Tables:
    """Put the rows of companies under each other; the rates are the same for all."""
    together: Tables = {name: list(rows) for name, rows in SHARED.items()}
    for tables in companies:
        for name, rows in tables.items():
            if name not in SHARED and (name != "fx/CurrencyRate" or name not in together):
                together.setdefault(name, []).extend(rows)
    return together


def renamed(tables: Tables, old: str, new: str) -> Tables:
    """Give a company another name, in all of its ids and expressions."""

    def rename(row: Row) -> Row:
        return {column: text and text.replace(old, new) for column, text in row.items()}

    return {
        name: rows if name in SHARED or name.startswith("fx/") else [rename(row) for row in rows]
        for name, rows in tables.items()
    }


def company_of(key: Key) -> str | None:
    """Return the company whose row it is; None for a transaction of one and a plan of another."""
    names = {found[1] for cell in key if (found := NAMED.match(str(cell)))}
    return names.pop() if len(names) == 1 else None


Difference = Mapping[str, tuple[list[str], Rows, Rows]]  # table -> columns, warehouse, oracle


def differences(warehouse: Path, results: Mapping[str, Result]) -> dict[str, dict[str, Any]]:
    """Return for each company that differs, and each of its tables that does, both sides."""
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    for table, compared in COMPARED.items():
        names, rows = read(warehouse, compared.sql, compared.keys)
        of_company: dict[str, dict[Key, Any]] = defaultdict(dict)
        for key, row in rows.items():
            if company := company_of(key):
                of_company[company][key] = row
        for company, result in results.items():
            expected = compared.rows(result)
            if of_company[company] != expected:
                found[company][table] = (names, of_company[company], expected)
    return found


def expected(companies: Mapping[str, Tables]) -> dict[str, Result]:
    return {name: calculate(tables, AS_OF) for name, tables in companies.items()}


def shown(difference: Mapping[str, Any]) -> str:
    return "\n".join(f"--- {table}\n{side_by_side(*sides)}" for table, sides in difference.items())
