"""Build a warehouse from tables in memory: seeds and raw rows, without extracts and without landing.

Situations and random companies go through here: the raw tables are made as landing would have left them, and one dbt
build calculates everything.
"""

import atexit
import csv
import re
import shutil
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path

import duckdb

from ingestion.landing.tables import PRECISION, Column, Table, raw_schema
from ingestion.registry import SYSTEMS
from orchestration.calculation.dbt_process import DbtError, DbtProcess, NodeResult, current, is_like_bundled
from orchestration.calculation.manifest import (
    MANIFEST,
    SEMANTIC_MANIFEST,
    ensure_manifest,
    project_digest,
    read_manifest,
    ready,
)
from orchestration.calculation.step import BUILD, Calculation, CalculationError
from orchestration.warehouse.settings import DBT_PROJECT_DIR, RunSettings

ROOT = Path(__file__).resolve().parents[3]
KEPT_SEEDS = (
    "accounts",
    "calculation_states",
    "currencies",
    "entry_kinds",
    "journal_columns",
    "posting_rules",
    "reason_codes",
)
FIRST_LANDED = datetime(2000, 1, 1)

Row = Mapping[str, str | None]
Tables = Mapping[str, Sequence[Row]]
"""Rows by table, all cells text: seeds by name ("plans"), raw tables by system and table ("crm/Opportunity")."""


class BuildError(Exception):
    """dbt could not calculate the tables; the message is what dbt said."""


def build_warehouse(
    tables: Tables,
    home: Path,
    as_of_date: date,
    *,
    project: Path = ROOT,
    with_tests: bool = False,
    wanted: Collection[str] | None = None,
) -> Path:
    """Make seeds and raw tables under `home` and calculate them with one dbt build.

    Rows of a raw table that share a key are versions of one record, in the order in which they were landed; a row may
    also give its own `_dlt_valid_from` and `_dlt_valid_to`. A seed that is not given is empty, but the reference
    seeds are the project's own. `wanted` names the models that will be read: the others are not built.

    Returns the warehouse file. Raises BuildError when a table is unknown or dbt fails.
    """
    home = home.resolve()
    home.mkdir(parents=True, exist_ok=True)
    seeds = home / "seeds"
    write_seeds(tables, seeds, project / "seeds")
    warehouse = home / "warehouse.duckdb"
    warehouse.unlink(missing_ok=True)
    write_raw_tables(tables, warehouse)
    calculate(home, seeds, as_of_date, project / "dbt_project", with_tests=with_tests, wanted=wanted)
    return warehouse


def models_in(*queries: str) -> set[str]:
    """The models that queries name with their schema, such as marts.fct_payouts."""
    return set(re.findall(r"\b(?:staging|intermediate|marts)\.(\w+)", "\n".join(queries)))


def write_seeds(tables: Tables, folder: Path, originals: Path) -> None:
    """Write every seed of the project with the rows given for it, and its property files beside it."""
    shutil.rmtree(folder, ignore_errors=True)
    known = {path.stem: path for path in sorted(originals.rglob("*.csv"))}
    unknown = sorted(name for name in tables if "/" not in name and name not in known)
    if unknown:
        raise BuildError(f"unknown seeds: {', '.join(unknown)} (known: {', '.join(known)})")
    for path in originals.rglob("_*.yml"):
        copied = folder / path.relative_to(originals)
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copied)
    for name, path in known.items():
        target = folder / path.relative_to(originals)
        if name in KEPT_SEEDS:
            shutil.copyfile(path, target)
            continue
        with path.open(newline="", encoding="utf-8") as original:
            header = next(csv.reader(original))
        rows = [{"source_document": "situation", **row} for row in tables.get(name, ())]
        if unknown_columns := {column for row in rows for column in row} - set(header):
            raise BuildError(f"seed {name}: unknown columns {', '.join(sorted(unknown_columns))}")
        lines = [",".join(header), *(",".join(_quoted(row.get(c)) for c in header) for row in rows)]
        target.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _quoted(cell: str | None) -> str:
    return '"' + cell.replace('"', '""') + '"' if cell else ""


def write_raw_tables(tables: Tables, warehouse: Path) -> None:
    """Make all raw tables of all source systems, filled with the rows given for them."""
    declared = {
        f"{system.name}/{table.name}": table for system in SYSTEMS.values() for table in system.tables
    }
    unknown = sorted(name for name in tables if "/" in name and name not in declared)
    if unknown:
        raise BuildError(f"unknown raw tables: {', '.join(unknown)} (known: {', '.join(declared)})")
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        for name, table in declared.items():
            schema = raw_schema(name.partition("/")[0])
            connection.execute(f"create schema if not exists {schema}")
            _write_raw_table(connection, schema, table, tables.get(name, ()))


def _write_raw_table(
    connection: duckdb.DuckDBPyConnection, schema: str, table: Table, rows: Sequence[Row]
) -> None:
    types = {column.name: _sql_type(column) for column in table.columns}
    for name in _names(rows):
        if name not in types and not name.startswith("_dlt_"):
            types[name] = guessed_type(row.get(name) for row in rows)
    columns = ", ".join(f'"{name}" {sql_type}' for name, sql_type in types.items())
    target = f'{schema}."{table.name}"'
    connection.execute(
        f"create table {target} ({columns}, _row_hash varchar, _source_file varchar, _source_row bigint,"
        " _dlt_load_id varchar, _dlt_valid_from timestamptz, _dlt_valid_to timestamptz)"
    )
    if rows:
        cells = ", ".join(f"cast(? as {sql_type})" for sql_type in types.values())
        connection.executemany(
            f"insert into {target} values ({cells}, ?, ?, ?, '0', ?, ?)",
            [_landed(row, list(types), number, table, span) for number, row, span in _versions(rows, table)],
        )


def _landed(
    row: Row, names: Sequence[str], number: int, table: Table, span: tuple[object, object]
) -> list[object]:
    values: list[object] = [row.get(name) or None for name in names]
    return [*values, f"row {number}", f"{table.name}.csv", number, *span]


def _versions(rows: Sequence[Row], table: Table) -> Iterable[tuple[int, Row, tuple[object, object]]]:
    """Give each row its line number (header = 1) and the days on which it was landed and replaced."""
    of_key: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for position, row in enumerate(rows):
        key = tuple(row.get(name) for name in table.primary_key)
        of_key[key if all(key) else (position,)].append(position)
    for positions in of_key.values():
        for age, position in enumerate(positions):
            row = rows[position]
            starts = row.get("_dlt_valid_from") or FIRST_LANDED + timedelta(days=age)
            ends = row.get("_dlt_valid_to") or None
            if ends is None and age + 1 < len(positions):
                ends = rows[positions[age + 1]].get("_dlt_valid_from") or str(
                    FIRST_LANDED + timedelta(days=age + 1)
                )
            yield position + 2, row, (starts, ends)


def _names(rows: Iterable[Row]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _sql_type(column: Column) -> str:
    if column.type == "decimal":
        return f"decimal({PRECISION}, {column.scale})"
    return {"text": "varchar", "timestamp": "timestamptz", "bool": "boolean"}.get(column.type, column.type)


def guessed_type(cells: Iterable[str | None]) -> str:
    """Return the SQL type of a field that no table declares, from its filled cells."""
    filled = [cell for cell in cells if cell]
    if filled and all(cell in ("true", "false") for cell in filled):
        return "boolean"
    if filled and all(_is_number(cell) for cell in filled):
        return f"decimal({PRECISION}, 8)"
    if filled and all(_is_day(cell) for cell in filled):
        return "date"
    return "varchar"


def _is_number(cell: str) -> bool:
    try:
        return Decimal(cell).is_finite()
    except InvalidOperation:
        return False


def _is_day(cell: str) -> bool:
    try:
        date.fromisoformat(cell)
    except ValueError:
        return False
    return len(cell) == len("2024-01-01")


def calculate(
    home: Path,
    seeds: Path,
    as_of_date: date,
    dbt_project: Path,
    *,
    with_tests: bool = False,
    command: Sequence[str] = (),
    variables: Mapping[str, object] | None = None,
    wanted: Collection[str] | None = None,
) -> None:
    """Build what has changed in the warehouse of `home`, or run another command of dbt on it.

    `variables` are further vars of dbt. `wanted` names the models that will be read, where not all are. dbt stays alive between calls and parses a project once. Raises BuildError with what
    dbt said.
    """
    dbt = _dbt_of(dbt_project.resolve())
    target = home / "target"
    build = ["build", "--exclude-resource-type", "unit_test"]
    try:
        target.mkdir(parents=True, exist_ok=True)
        if dbt is current():
            ready(dbt, seeds=seeds, variables=variables)
        else:
            digest = project_digest(dbt.project, seeds)
            dbt.parse(target, digest, seeds=seeds, variables=variables, write_json=True)
        if dbt is current() and not variables:
            _lay_manifest(target)
            if not command and not with_tests and is_like_bundled(seeds):
                _build_what_has_changed(home, seeds, as_of_date, wanted)
                return
        done = dbt.run(
            [*(command or (build if with_tests else BUILD))],
            warehouse=home / "warehouse.duckdb",
            home=home,
            target=target,
            seeds=seeds,
            variables=variables,
            as_of_date=as_of_date.isoformat(),
        )
    except DbtError as error:
        raise BuildError(str(error)) from None
    if not done.is_good:
        raise BuildError(_said(done.nodes, done.error))


def _build_what_has_changed(
    home: Path, seeds: Path, as_of_date: date, wanted: Collection[str] | None
) -> None:
    calculation = Calculation(
        RunSettings(home, as_of_date.isoformat()),
        read_manifest(home / "target" / MANIFEST.name),
        current(),
        seeds,
    )
    calculation.target = home / "target"
    try:
        calculation.build(wanted)
    except CalculationError as error:
        raise BuildError(_said(calculation.built, "" if calculation.built else str(error))) from None


def _said(nodes: Sequence[NodeResult], error: str) -> str:
    bad = [node for node in nodes if not node.is_good and node.status != "skipped"]
    said = [f"{node.unique_id.rsplit('.', 1)[-1]}: {node.message.strip() or node.status}" for node in bad]
    return "\n".join([*said, *filter(None, [error])])


_OTHERS: dict[Path, DbtProcess] = {}


def _dbt_of(project: Path) -> DbtProcess:
    if project == DBT_PROJECT_DIR:
        return current()
    if project not in _OTHERS:
        _OTHERS[project] = DbtProcess(project)
        atexit.register(_OTHERS[project].stop)
    return _OTHERS[project]


def _lay_manifest(target: Path) -> None:
    """Lay dbt's manifests beside what it compiles, where tools look for them."""
    ensure_manifest()
    for path in (MANIFEST, SEMANTIC_MANIFEST):
        shutil.copyfile(path, target / path.name)
