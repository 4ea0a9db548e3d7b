"""Salesforce in the place of the CRM's files: the same rows land, and recorded answers of the vendor land as sent."""

import gzip
import json
import os
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.landing.settings import SAMPLE_DIR, Settings
from ingestion.landing.tables import Table
from ingestion.load import load_system
from ingestion.registry import FILE_SYSTEMS, source_systems
from tests.support.companies.landed_company import sample_rows
from tests.support.fakes.salesforce import CLIENT_ID, CLIENT_SECRET, Org, Sobject, fill, standard_fields
from tests.support.servers.fault_server import FaultServer

CRM = FILE_SYSTEMS["crm"]
# A folder with the vendor's recorded answers (`opportunities.json`: a list of exchanges with `response`).
RECORDED = os.environ.get("SALESFORCE_RECORDED")


def settings(home: Path, sources: Path | None = None) -> Settings:
    return Settings(home=home, extracts=SAMPLE_DIR, sources=sources)


def live(made: Settings, table: Table) -> list[tuple[Any, ...]]:
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    keys = ", ".join(f'"{name}"' for name in table.primary_key)
    with duckdb.connect(str(made.warehouse), read_only=True) as connection:
        return connection.execute(
            f'SELECT {names} FROM raw_crm."{table.name}" WHERE _dlt_valid_to IS NULL ORDER BY {keys}'
        ).fetchall()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultServer]:
    for name in ("CRM", "SALESFORCE"):
        monkeypatch.setenv(f"SOURCES__{name}__CLIENT_ID", CLIENT_ID)
        monkeypatch.setenv(f"SOURCES__{name}__CLIENT_SECRET", CLIENT_SECRET)
    with FaultServer() as running:
        yield running


def test_the_crm_of_the_sample_lands_the_same_from_salesforce_and_from_files(
    server: FaultServer, tmp_path: Path
) -> None:
    org = Org(server)
    org.page_rows = 2000
    for table in CRM.tables:
        fill(org, table)
    names = ", ".join(f'"{table.name}"' for table in CRM.tables)
    sources = tmp_path / "sources.toml"
    sources.write_text(f'[crm]\nconnector = "salesforce"\nbase_url = "{server.url}"\nread = [{names}]\n')
    by_file, by_api = settings(tmp_path / "files"), settings(tmp_path / "api", sources)
    load_system(CRM, by_file)
    load_system(source_systems(by_api)["crm"], by_api)
    for table in CRM.tables:
        assert live(by_api, table) == live(by_file, table), table.name
    assert len(live(by_api, CRM.tables[0])) == len(sample_rows("crm", "Opportunity"))


@pytest.mark.skipif(RECORDED is None, reason="SALESFORCE_RECORDED names no folder with recorded answers")
@pytest.mark.parametrize(
    ("name", "file"),
    [("Opportunity", "opportunities.json"), ("Account", "accounts.json.gz"), ("User", "users.json")],
)
def test_recorded_answers_land_as_they_were_sent(
    server: FaultServer, tmp_path: Path, name: str, file: str
) -> None:
    path = Path(str(RECORDED)) / file
    content = gzip.decompress(path.read_bytes()) if file.endswith(".gz") else path.read_bytes()
    exchanges = json.loads(content, parse_float=Decimal)
    sent = [row for one in exchanges if "records" in one["response"] for row in one["response"]["records"]]
    org = Org(server)
    org.page_rows = 2000
    fields = sorted({field for row in sent for field in row} - {"attributes", "Profile"})
    org.objects = {name: Sobject({field: "string" for field in fields} | standard_fields(name))}
    org.objects[name].rows = {row["Id"]: row for row in sent}
    sources = tmp_path / "sources.toml"
    sources.write_text(
        f'[salesforce]\nconnector = "salesforce"\nbase_url = "{server.url}"\nread = ["{name}"]\n'
        '[salesforce.options]\nfields = "all"\n'
    )
    made = settings(tmp_path / "home", sources)
    result = load_system(source_systems(made)["salesforce"], made)
    assert result.tables[name].live == len({row["Id"] for row in sent})
    columns = ", ".join(f'"{field}"' for field in fields)
    with duckdb.connect(str(made.warehouse), read_only=True) as connection:
        landed = connection.execute(f'SELECT {columns} FROM raw_salesforce."{name}"').fetchall()
    by_id = {row["Id"]: row for row in sent}
    position = fields.index("Id")
    for values in landed:
        for field, value in zip(fields, values, strict=True):
            assert _same(value, by_id[values[position]].get(field)), (field, value)


def _same(landed: Any, sent: Any) -> bool:
    if isinstance(landed, datetime):
        return landed == datetime.fromisoformat(sent)
    if hasattr(landed, "isoformat"):
        return bool(landed.isoformat() == sent)
    return bool(landed == sent) or (landed is None and sent == "")
