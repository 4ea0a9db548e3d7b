"""Seed files as text cells, and the property files that say what each column holds."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ingestion.models import read_yaml
from orchestration.plans.checks.problems import OTHER_FIELDS, Problem


@dataclass(frozen=True)
class Check:
    """One data test of the property file: its name, arguments and the column it belongs to (if any)."""

    name: str
    arguments: Mapping[str, Any]
    column: str | None


@dataclass(frozen=True)
class SeedContract:
    """What the property file says about one seed."""

    name: str
    declared_in: str
    data_types: Mapping[str, str]
    descriptions: Mapping[str, str]
    checks: tuple[Check, ...]


@dataclass
class SeedFile:
    """One CSV file as text cells. ``rows`` pairs the line number with the cells by column name."""

    name: str
    file: str
    header: list[str] = field(default_factory=list)
    rows: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def read_seed(path: Path, root: Path) -> SeedFile:
    """Read one CSV file, named relative to ``root``; mistakes of the file format become problems of the returned seed."""
    seed = SeedFile(name=path.stem, file=path.relative_to(root).as_posix())

    def problem(rows: tuple[int, ...], message: str, fix: str, column: str = "") -> None:
        seed.problems.append(Problem(seed.file, rows, column, message, fix))

    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        problem((line,), "the bytes are not UTF-8", "Save the file as UTF-8 (CSV UTF-8 in a spreadsheet)")
        return seed

    reader = csv.reader(text.splitlines(keepends=True), strict=True)
    line = 1
    try:
        for cells in reader:
            start, line = line, reader.line_num + 1
            if not seed.header:
                seed.header = cells
                if not cells:
                    problem((start,), "no header", "Write the column names in the first row")
                    return seed
                continue
            if not cells:
                problem((start,), "blank line", "Delete the line")
            elif len(cells) != len(seed.header):
                problem(
                    (start,),
                    f"{len(cells)} {OTHER_FIELDS} {len(seed.header)}",
                    'Add or remove commas; a value that contains a comma goes in double quotes: "a, b"',
                )
            else:
                seed.rows.append((start, dict(zip(seed.header, cells, strict=True))))
    except csv.Error as error:
        problem((line,), f"not readable as CSV ({error})", "Check the double quotes of this row")
    if not seed.header:
        problem((), "the file is empty", "Write the column names in the first row")
    for name in sorted({name for name in seed.header if seed.header.count(name) > 1}):
        problem((1,), f"the column {name} appears twice", "Keep one of the two")
    return seed


def read_contracts(folder: Path) -> tuple[dict[str, SeedContract], list[Problem]]:
    """Read the property files of a seeds folder. Returns the contracts by seed name, and YAML problems."""
    contracts: dict[str, SeedContract] = {}
    problems: list[Problem] = []
    for path in sorted([*folder.rglob("*.yml"), *folder.rglob("*.yaml")]):
        file = path.relative_to(folder.parent).as_posix()
        try:
            document = read_yaml(path.read_text(encoding="utf-8")) or {}
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            rows = (mark.line + 1,) if mark else ()
            problems.append(Problem(file, rows, "", "not readable as YAML", "Check indentation and colons"))
            continue
        for entry in document.get("seeds") or []:
            contracts[entry["name"]] = read_contract(entry, declared_in=file)
    return contracts, problems


def read_contract(entry: Mapping[str, Any], *, declared_in: str) -> SeedContract:
    """Turn one entry of ``seeds:`` into a contract."""
    columns = {column["name"]: column for column in entry.get("columns") or []}
    config = entry.get("config") or {}
    column_types = dict(config.get("column_types") or config.get("+column_types") or {})
    data_types = {
        name: str(column_types.get(name) or column.get("data_type") or "varchar").lower()
        for name, column in columns.items()
    }
    checks = [read_check(test, None) for test in _tests(entry)]
    for name, column in columns.items():
        checks += [read_check(test, name) for test in _tests(column)]
    return SeedContract(
        name=entry["name"],
        declared_in=declared_in,
        data_types=data_types,
        descriptions={name: str(column.get("description") or "") for name, column in columns.items()},
        checks=tuple(check for check in checks if check is not None),
    )


def _tests(entry: Mapping[str, Any]) -> list[Any]:
    return list(entry.get("data_tests") or []) + list(entry.get("tests") or [])


def read_check(test: str | Mapping[str, Any], column: str | None) -> Check | None:
    """One item of ``data_tests``; None where it cannot be evaluated outside the database (a `where`)."""
    if isinstance(test, str):
        return Check(test, {}, column)
    if "test_name" in test:
        name, body = test["test_name"], dict(test)
    else:
        name, body = next((key, dict(value or {})) for key, value in test.items() if key != "name")
    if (body.get("config") or {}).get("where") or body.get("where"):
        return None
    arguments = dict(body.pop("arguments", None) or {})
    arguments = {**body, **arguments}
    return Check(name.rsplit(".", 1)[-1], arguments, column)


def names_of(value: Any) -> list[str]:
    """One name or several, as a list."""
    return [value] if isinstance(value, str) else list(value or [])


def phrase(contract: SeedContract, column: str) -> str:
    """The first sentence of the column's description, to say what the cell is for."""
    text = " ".join(contract.descriptions.get(column, "").split())
    return re.split(r"[.;](?:\s|$)", text)[0]


def key_of(cells: Mapping[str, str], columns: Sequence[str]) -> tuple[str, ...]:
    """The row's values of the columns."""
    return tuple(cells[name] for name in columns)


def label_of(cells: Mapping[str, str], columns: Sequence[str]) -> str:
    """The row's values of the columns, as messages name a row."""
    return ", ".join(f"{name} '{cells[name]}'" if cells[name] else f"no {name}" for name in columns)
