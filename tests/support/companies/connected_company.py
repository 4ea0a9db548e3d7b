"""A company with one system behind the fault server: configure it, load it, look at what was landed."""

import csv
import json
import re
import shutil
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from ingestion.api.records import as_text
from ingestion.checks import check_sources, render_findings
from ingestion.landing.settings import SEEDS_DIR, Settings
from ingestion.landing.tables import Table
from ingestion.load import LoadResult, load_system
from ingestion.registry import configured_systems, source_systems
from tests.support.servers.fault_server import FaultServer, Recorded

PAYLOADS = Path(__file__).resolve().parents[1] / "fakes" / "payloads"
Row = dict[str, Any]


def payload(name: str) -> Any:
    """Return a carried payload, numbers with a point as Decimal."""
    return json.loads((PAYLOADS / name).read_text(encoding="utf-8"), parse_float=Decimal)


@dataclass
class Connected:
    """A system that is read by a connector, and the warehouse it lands in."""

    server: FaultServer
    name: str
    home: Path
    base_path: str = ""
    section: str = ""
    settings: Settings = field(init=False)

    def __post_init__(self) -> None:
        self.settings = Settings(
            home=self.home / "home", extracts=self.home, sources=self.home / "sources.toml"
        )
        self.configure()

    def configure(self, more: str = "", read: tuple[str, ...] = ()) -> None:
        """Write sources.toml; `more` follows the section's first keys."""
        assert self.settings.sources
        chosen = f"read = {json.dumps(list(read))}\n" if read else ""
        self.settings.sources.write_text(
            f'[{self.name}]\nconnector = "{self.name}"\nbase_url = "{self.server.url}{self.base_path}"\n'
            f"{chosen}{more or self.section}\n"
            f"[{self.name}.client]\nattempts = 3\nread_seconds = 5\nbackoff_seconds = 0.05\n"
        )

    def load(self, **changed: Any) -> LoadResult:
        settings = replace(self.settings, **changed)
        return load_system(source_systems(settings)[self.name], settings)

    def check(self, **changed: Any) -> str:
        settings = replace(self.settings, **changed)
        return render_findings(check_sources(configured_systems(settings), settings))

    def table(self, name: str) -> Table:
        return next(table for table in source_systems(self.settings)[self.name].tables if table.name == name)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def rows(self, table: str, where: str = "_dlt_valid_to IS NULL") -> list[Row]:
        """Return versions of a table with the columns of the source, in the order of their start and key."""
        keys = ", ".join(f'"{name}"' for name in self.table(table).primary_key)
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            found = connection.execute(
                f'SELECT * FROM raw_{self.name}."{table}" WHERE {where} ORDER BY {keys}, _dlt_valid_from'
            )
            names = [entry[0] for entry in found.description]
            return [
                {
                    name: value
                    for name, value in zip(names, row, strict=True)
                    if not name.startswith(("_dlt_", "_row_hash", "_source_"))
                }
                for row in found.fetchall()
            ]

    def live(self, table: str) -> dict[Any, Row]:
        """Return the live rows by their key (a tuple where it has several columns)."""
        keys = self.table(table).primary_key
        return {
            row[keys[0]] if len(keys) == 1 else tuple(row[key] for key in keys): row
            for row in self.rows(table)
        }

    def asked_since(self, number: int) -> list[Recorded]:
        return self.server.requests[number:]


def plain(value: Any, landed: Any) -> Any:
    """Return a value of a payload as a column of the type of `landed` holds it, without the landing's code."""
    if value is None or value == "":
        return None
    if isinstance(landed, datetime):
        if isinstance(value, int):
            return datetime.fromtimestamp(value, UTC)
        return datetime.fromisoformat(value).astimezone(UTC)
    if isinstance(landed, date):
        return date.fromisoformat(value)
    if isinstance(landed, bool):
        return value if isinstance(value, bool) else {"true": True, "false": False}.get(str(value).lower())
    if isinstance(landed, Decimal):
        return Decimal(str(value))
    if isinstance(landed, int):
        return int(value)
    if isinstance(value, dict | list):
        return json.loads(json.dumps(value, default=str))
    return as_text(value) if not isinstance(value, str) else value


def assert_same(landed: Row, sent: Row, *, apart: tuple[str, ...] = ()) -> None:
    """Assert that a landed row has the names of a payload's record, and its values.

    Args:
        apart: columns of the row that the record does not have, or fields that are not landed.
    """
    names = {name for name, value in sent.items() if value not in (None, "")} - set(apart)
    assert names <= set(landed), f"fields that were not landed: {sorted(names - set(landed))}"
    for name in set(landed) - set(apart):
        value, found = sent.get(name), landed[name]
        if isinstance(value, dict | list) and found is not None:
            found = json.loads(found, parse_float=str)
            value = json.loads(json.dumps(value, default=str), parse_float=str)
            assert found == value, name
            continue
        assert found == plain(value, found), f"{name}: landed {found!r}, sent {value!r}"


def assert_in_specification(requests: list[Recorded], specification: Any, base_path: str = "") -> None:
    """Assert that each request is one of an excerpt of the vendor's specification: `{"METHOD /path": [parameters]}`."""
    for request in requests:
        path = request.path.removeprefix(base_path)
        fitting = [
            known
            for name, known in specification.items()
            if name.startswith(f"{request.method} ")
            and re.fullmatch(re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(name.partition(" ")[2])), path)
        ]
        assert fitting, f"{request.method} {path} is not in the specification"
        asked = {re.sub(r"\[.*", "", name) for name in request.query}
        unknown = min((asked - set(known) for known in fitting), key=len)
        assert not unknown, (
            f"{request.method} {path}: {sorted(unknown)} are not parameters of the specification"
        )


def plan_over(seeds: Path, system: str, table: str, column: str) -> None:
    """Copy the project's plans and let the first use a column of a system."""
    shutil.copytree(SEEDS_DIR, seeds)
    path = seeds / "plans" / "plans.csv"
    with path.open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    rows[0] |= {
        "plan_id": "plan_at_hand", "source_object": f"{system}/{table}", "filter_expression": f"\"{column}\" = 'x'",
    }  # fmt: skip
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
