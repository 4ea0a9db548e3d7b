"""Names that become parts of files, paths, keys and SQL: one list of what they may hold, over every seed table."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from orchestration.plans.checks.contracts import SeedContract, SeedFile
from orchestration.plans.checks.problems import Problem
from orchestration.warehouse.files import RESERVED_NAMES, is_plain_name

NAMED = re.compile(r"\w+_(id|code)")
# What other systems name: people, accounts, codes of payroll. They stand in cells and keys, never in a path or in SQL.
FOREIGN = frozenset({
    "account_code",
    "credit_account_code",
    "debit_account_code",
    "deduction_code",
    "earnings_code",
    "payee_id",
    "scope_id",
    "viewer_id",
    "worker_id",
})  # fmt: skip
SEPARATOR = "|"
PLACEHOLDERS = ("{export_name}", "{company_code}")
PLAIN_FIX = (
    "Write letters from A to Z, digits, spaces, '_', '-' and '.', at most 64, a letter or a digit first"
)


def check_names(seed: SeedFile, contract: SeedContract) -> Iterator[Problem]:
    """Each id and each code is a plain name; one that another system gave holds nothing invisible and no separator of keys."""
    # What is chosen from a list, or named in another seed, is judged there.
    listed = {check.column for check in contract.checks if check.name in ("accepted_values", "relationships")}
    for column, data_type in contract.data_types.items():
        if column in listed or data_type != "varchar":
            continue
        if column == "file_name":
            yield from _file_names(seed)
        elif column == "actor" or column in FOREIGN:
            yield from _foreign_names(seed, column)
        elif NAMED.fullmatch(column):
            for row, cells in seed.rows:
                name = cells.get(column, "")
                if name and not is_plain_name(name):
                    yield Problem(
                        seed.file, (row,), column,
                        f"{readable(name)} cannot be a name: it becomes part of keys, files or paths", PLAIN_FIX,
                    )  # fmt: skip


def _foreign_names(seed: SeedFile, column: str) -> Iterator[Problem]:
    for row, cells in seed.rows:
        name = cells.get(column, "")
        invisible = [letter for letter in name if unicodedata.category(letter).startswith("C")]
        if invisible:
            letters = ", ".join(sorted({f"U+{ord(letter):04X}" for letter in invisible}))
            yield Problem(
                seed.file, (row,), column, f"{readable(name)} holds what nobody sees: {letters}", "Type the name again"
            )  # fmt: skip
        elif SEPARATOR in name:
            yield Problem(
                seed.file, (row,), column,
                f"'{name}' holds '{SEPARATOR}', which separates the parts of keys", f"Write it without '{SEPARATOR}'",
            )  # fmt: skip


def _file_names(seed: SeedFile) -> Iterator[Problem]:
    for row, cells in seed.rows:
        pattern = cells.get("file_name", "")
        name = pattern
        for placeholder in PLACEHOLDERS:
            name = name.replace(placeholder, "x")
        if not pattern:
            continue
        if not is_plain_name(name) or "." not in name:
            yield Problem(
                seed.file, (row,), "file_name", f"{readable(pattern)} is not the name of a file",
                f"Write a plain name with its ending, {PLACEHOLDERS[0]}.csv for example; what may be filled in: {', '.join(PLACEHOLDERS)}",
            )  # fmt: skip
        elif name.lower() in RESERVED_NAMES:
            yield Problem(
                seed.file, (row,), "file_name", f"'{pattern}' is a file of the record of exports itself",
                f"Write another name, {PLACEHOLDERS[0]}.csv for example",
            )  # fmt: skip


def readable(name: str) -> str:
    """A name in quotes, what nobody sees spelt out."""
    return f"'{name}'" if name.isprintable() else ascii(name)
