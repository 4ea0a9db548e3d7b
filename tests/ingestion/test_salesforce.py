"""Salesforce through the real code: two syncs with changes and deletes, faults, alerts, checks."""

import csv
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.api.alerts import SchemaAlert
from ingestion.api.errors import ApiError, AuthError
from ingestion.checks import check_sources, render_findings
from ingestion.landing.files import InputError
from ingestion.landing.settings import PROJECT_ROOT as ROOT
from ingestion.landing.settings import SEEDS_DIR, Settings
from ingestion.landing.whole import whole_reads
from ingestion.load import LoadResult, TableResult, load_system, table_counts
from ingestion.registry import configured_systems, source_systems
from tests.support.fakes.salesforce import CLIENT_ID, CLIENT_SECRET, DATA, Org, standard_org
from tests.support.servers.fault_server import (
    FaultServer,
    change,
    cut_body,
    expire_token,
    hang_up,
    no_answer,
    retry_after,
    status,
)

SYSTEM = "salesforce"
TABLES = ("Opportunity", "OpportunitySplit", "User")


@dataclass
class Company:
    """An org, what is configured for it, and the warehouse it is landed in."""

    org: Org
    settings: Settings

    @property
    def server(self) -> FaultServer:
        return self.org.server

    def configure(self, more: str = "", read: tuple[str, ...] = TABLES) -> None:
        """Write sources.toml; `more` follows the section's first keys."""
        assert self.settings.sources
        names = ", ".join(f'"{name}"' for name in read)
        self.settings.sources.write_text(
            f'[{SYSTEM}]\nconnector = "salesforce"\nbase_url = "{self.server.url}"\nread = [{names}]\n{more}\n'
            f"[{SYSTEM}.client]\nattempts = 3\nread_seconds = 1\nbackoff_seconds = 0.05\n"
        )

    def load(self, **changed: Any) -> LoadResult:
        settings = replace(self.settings, **changed)
        return load_system(source_systems(settings)[SYSTEM], settings)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def live(self, columns: str = '"Id", "Amount", "IsDeleted"') -> list[tuple[Any, ...]]:
        return self.query(
            f'SELECT {columns} FROM raw_{SYSTEM}."Opportunity" WHERE _dlt_valid_to IS NULL ORDER BY "Id"'
        )

    def in_org(self) -> list[tuple[Any, ...]]:
        rows = self.org.objects["Opportunity"].rows.values()
        return sorted((row["Id"], row["Amount"], row["IsDeleted"]) for row in rows)


def plan_over_salesforce(seeds: Path, expression: str) -> None:
    """Copy the project's plans and let the first read Salesforce, with an expression of its own."""
    shutil.copytree(SEEDS_DIR, seeds, dirs_exist_ok=True)
    path = seeds / "plans" / "plans.csv"
    with path.open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    rows[0] |= {"source_object": f"{SYSTEM}/Opportunity", "filter_expression": expression}
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Company]:
    monkeypatch.setenv("SOURCES__SALESFORCE__CLIENT_ID", CLIENT_ID)
    monkeypatch.setenv("SOURCES__SALESFORCE__CLIENT_SECRET", CLIENT_SECRET)
    plan_over_salesforce(tmp_path / "seeds", "\"Region__c\" = 'North'")
    settings = Settings(
        home=tmp_path / "home",
        extracts=tmp_path,
        sources=tmp_path / "sources.toml",
        seeds=tmp_path / "seeds",
    )
    with FaultServer() as server:
        made = Company(standard_org(server), settings)
        made.configure()
        yield made


def test_a_record_lands_under_the_names_of_the_source(company: Company) -> None:
    company.load()
    sent = company.org.objects["Opportunity"].rows["006000000000000000"]
    landed = company.query(
        'SELECT "Id", "Name", "OwnerId", "Amount", "CloseDate"::text, "IsWon", "CurrencyIsoCode", "Margin__c", '
        f'"CreatedDate"::timestamptz AT TIME ZONE \'UTC\', _source_file FROM raw_{SYSTEM}."Opportunity" '
        "WHERE \"Id\" = '006000000000000000'"
    )[0]
    assert landed[:7] == tuple(
        sent[name] for name in ("Id", "Name", "OwnerId", "Amount", "CloseDate", "IsWon", "CurrencyIsoCode")
    )
    assert landed[7] == "12.345", "a custom field that is not declared lands as text"
    assert landed[8].isoformat() + ".000+0000" == sent["CreatedDate"]
    assert landed[9] == "salesforce:Opportunity"
    types = dict(
        company.query(
            "SELECT column_name, data_type FROM information_schema.columns "
            f"WHERE table_schema = 'raw_{SYSTEM}' AND table_name = 'Opportunity'"
        )
    )
    assert (types["Amount"], types["SystemModstamp"]) == ("DECIMAL(28,8)", "TIMESTAMP WITH TIME ZONE")
    assert "BillingAddress" not in types
    assert company.query(f'SELECT DISTINCT "SplitType" FROM raw_{SYSTEM}."OpportunitySplit"') == [
        ("Revenue",)
    ]


def test_two_syncs_with_changes_and_deletes_between_them(company: Company) -> None:
    first = company.load()
    assert first.tables["Opportunity"] == TableResult(250, 250, 0, 250)
    assert [notice for notice in first.notices if "Margin__c" in notice]
    assert company.load().load_ids == (), "nothing has changed"
    company.org.save("Opportunity", "006000000000000003", Amount=Decimal("999.99"))
    company.org.save("Opportunity", "006NEW", **_like(company, "006000000000000004"))
    company.org.delete("Opportunity", "006000000000000005")
    before = len(company.server.requests)
    second = company.load()
    assert second.tables["Opportunity"] == TableResult(251, 3, 0, 251)
    asked = [
        request.query["q"]
        for request in company.server.requests[before:]
        if "Opportunity W" in request.query.get("q", "")
    ]
    assert len(asked) == 1 and "WHERE SystemModstamp >= 2026-03-01T" in asked[0]
    assert company.live() == company.in_org()
    versions = company.query(
        f'SELECT "Amount", "IsDeleted", _dlt_valid_to IS NULL FROM raw_{SYSTEM}."Opportunity" '
        "WHERE \"Id\" IN ('006000000000000003', '006000000000000005') ORDER BY \"Id\", _dlt_valid_from"
    )
    assert versions == [
        (Decimal("300.07"), False, False),
        (Decimal("999.99"), False, True),
        (Decimal("500.07"), False, False),
        (Decimal("500.07"), True, True),
    ]


def _like(company: Company, row_id: str) -> dict[str, Any]:
    row = company.org.objects["Opportunity"].rows[row_id]
    return {
        name: value
        for name, value in row.items()
        if name not in ("Id", "SystemModstamp", "CreatedDate", "IsDeleted")
    }


def test_equal_and_late_stamps_lose_nothing(company: Company) -> None:
    company.load()
    row = company.org.objects["Opportunity"].rows["006000000000000249"]
    cursor = row["SystemModstamp"]
    company.org.save("Opportunity", "006EQUAL", **_like(company, row["Id"]))
    company.org.objects["Opportunity"].rows["006EQUAL"]["SystemModstamp"] = cursor
    company.org.save("Opportunity", "006LATE", **_like(company, row["Id"]))
    late = company.org.objects["Opportunity"].rows["006000000000000200"]["SystemModstamp"]
    company.org.objects["Opportunity"].rows["006LATE"]["SystemModstamp"] = late
    result = company.load()
    assert result.tables["Opportunity"] == TableResult(252, 2, 0, 252)
    assert company.live() == company.in_org()


def test_a_row_that_is_erased_without_trace_is_retired_by_the_full_read(company: Company) -> None:
    company.load()
    del company.org.objects["Opportunity"].rows["006000000000000007"]
    assert company.load().tables["Opportunity"].retired == 0
    company.configure(f'[{SYSTEM}.tables.Opportunity]\nfull_every = "0 days"')
    assert company.load().tables["Opportunity"] == TableResult(249, 0, 1, 249)
    assert company.live() == company.in_org()


def test_a_change_without_a_stamp_is_found_by_a_whole_read_which_is_noted(company: Company) -> None:
    assert whole_reads(company.settings) == {}
    before = datetime.now(UTC)
    company.load()
    first = whole_reads(company.settings)[SYSTEM]
    assert before <= first <= datetime.now(UTC)
    changed, rows = datetime.now(UTC), company.org.objects["Opportunity"].rows
    rows["006000000000000007"]["Region__c"] = "South"
    rows["006000000000000009"] |= {
        "Amount": Decimal(888),
        "SystemModstamp": rows["006000000000000001"]["SystemModstamp"],
    }
    company.org.tick(hours=5)
    company.org.save("Opportunity", "006000000000000011", Amount=Decimal(7))
    assert company.load().tables["Opportunity"].new_versions == 3, (
        "all stamps are within the overlap of the first cursor"
    )
    rows["006000000000000007"]["Region__c"] = "East"
    assert company.load().tables["Opportunity"].new_versions == 0
    assert whole_reads(company.settings)[SYSTEM] < changed, "changes alone are no whole read"
    again = load_system(source_systems(company.settings)[SYSTEM], company.settings, full=True)
    assert again.tables["Opportunity"].new_versions == 1
    assert whole_reads(company.settings)[SYSTEM] > changed
    (company.settings.home / "whole_reads.json").write_text("not JSON")
    assert whole_reads(company.settings) == {}


def test_a_standard_field_that_nobody_reads_may_be_hidden(company: Company) -> None:
    for name in ("CampaignId", "TotalOpportunityQuantity"):
        del company.org.objects["Opportunity"].fields[name]
    company.org.objects["User"].fields.pop("ProfileId")
    told = [notice for notice in company.load().notices if "does not show" in notice]
    assert told == [
        "raw_salesforce.Opportunity: the system does not show CampaignId, TotalOpportunityQuantity; no plan or model reads "
        "them, and they land empty",
        "raw_salesforce.User: the system does not show ProfileId; no plan or model reads them, and they land empty",
    ]  # fmt: skip
    assert company.query(f'SELECT count("CampaignId"), count(*) FROM raw_{SYSTEM}."Opportunity"') == [
        (0, 250)
    ]
    said = checked(company)
    assert said.endswith("All in order.") and "they land empty: CampaignId, TotalOpportunityQuantity" in said
    plan_over_salesforce(company.settings.seeds, "\"CampaignId\" = 'x'")
    with pytest.raises(SchemaAlert, match=r"Opportunity\.CampaignId: is no longer a field.*plan reseller"):
        company.load()


def test_faults_in_mid_paging_change_nothing(company: Company) -> None:
    company.org.page_rows = 20
    company.configure(read=("Opportunity",))
    reordered = change(lambda body: body | {"records": body["records"][::-1]})
    repeated = change(lambda body: body | {"records": body["records"] + body["records"][:7]})
    faults = (
        status(500),
        status(503, [{"errorCode": "SERVER_UNAVAILABLE"}]),
        hang_up(),
        no_answer(1.5),
        cut_body(),
        expire_token(),
        reordered,
        repeated,
    )
    company.server.faults(f"{DATA}/query/", *faults, skip=0)
    assert company.load().tables["Opportunity"] == TableResult(250, 250, 0, 250)
    assert company.server.faults_left == 0
    assert company.live() == company.in_org()


def test_a_page_that_comes_twice_in_place_of_the_next_is_refused(company: Company) -> None:
    company.server.fault(f"{DATA}/query/", change(lambda body: body | {"records": first_page(company)}))
    with pytest.raises(ApiError, match="held 150 different rows, Salesforce announced 250"):
        company.load()
    assert table_counts(source_systems(company.settings)[SYSTEM], company.settings)["Opportunity"].live == 0
    assert company.load().tables["Opportunity"].live == 250


def first_page(company: Company) -> list[Any]:
    answer = company.server.asked(f"{DATA}/queryAll")[0].answer
    assert answer is not None
    return list(answer.body["records"])


def test_a_rate_limit_is_honoured(company: Company) -> None:
    company.server.fault(f"{DATA}/query/", retry_after(0.7), skip=1)
    company.load()
    refused, again = company.server.asked(f"{DATA}/query/")[1:3]
    assert (refused.status, again.status, refused.path) == (429, 200, again.path)
    assert 0.7 <= again.at - refused.at < 3


def test_a_renamed_field_alerts_and_names_the_plan(company: Company) -> None:
    company.load()
    before = company.live('"Id", "Region__c"')
    company.org.rename("Opportunity", "Region__c", "Sales_Region__c")
    company.org.save("Opportunity", "006000000000000003", Amount=Decimal("999.99"))
    with pytest.raises(SchemaAlert) as caught:
        company.load()
    said = str(caught.value)
    assert "salesforce.Opportunity.Region__c" in said
    assert "is no longer a field of the source" in said
    assert "plan reseller (seeds/plans/plans.csv row 2, filter_expression)" in said
    assert "new there: Sales_Region__c" in said
    assert company.live('"Id", "Region__c"') == before, "nothing was written"
    company.org.rename("Opportunity", "Sales_Region__c", "Region__c")
    assert company.load().tables["Opportunity"].new_versions == 1


def test_a_declared_field_that_is_hidden_or_retyped_alerts_on_the_first_load(company: Company) -> None:
    company.configure(
        f'[{SYSTEM}.tables.Opportunity]\ncolumns = {{ Margin__c = "decimal", Bonus__c = "decimal" }}'
    )
    with pytest.raises(SchemaAlert, match=r"salesforce\.Opportunity\.Bonus__c: is no longer a field"):
        company.load()
    company.org.objects["Opportunity"].fields |= {"Bonus__c": "string"}
    with pytest.raises(SchemaAlert, match="is text at the source, and is declared as decimal"):
        company.load()
    assert not company.settings.warehouse.exists() or company.query(
        f"SELECT count(*) FROM information_schema.tables WHERE table_schema = 'raw_{SYSTEM}'"
    ) == [(0,)]


def test_a_declared_custom_field_is_typed(company: Company) -> None:
    company.configure(f'[{SYSTEM}.tables.Opportunity]\ncolumns = {{ Margin__c = "decimal" }}')
    company.load()
    assert company.query(f'SELECT DISTINCT "Margin__c" FROM raw_{SYSTEM}."Opportunity"') == [
        (Decimal("12.345"),)
    ]


def test_a_landed_column_keeps_its_type(company: Company) -> None:
    company.load()
    company.configure(f'[{SYSTEM}.tables.Opportunity]\ncolumns = {{ Margin__c = "decimal" }}')
    with pytest.raises(InputError, match="Margin__c: has landed as text and is declared as decimal now"):
        company.load()
    company.configure()
    assert company.load().load_ids == ()


def test_a_new_field_lands_as_text_with_a_notice(company: Company) -> None:
    company.load()
    company.org.objects["Opportunity"].fields["Bonus__c"] = "currency"
    company.org.save("Opportunity", "006000000000000003", Bonus__c=Decimal("1.50"))
    result = company.load()
    assert result.tables["Opportunity"].new_versions == 1
    assert [notice for notice in result.notices if "Bonus__c is not declared" in notice]
    assert company.query(
        f'SELECT "Bonus__c" FROM raw_{SYSTEM}."Opportunity" WHERE "Bonus__c" IS NOT NULL'
    ) == [("1.50",)]


def test_a_bad_value_is_named(company: Company) -> None:
    company.org.save("Opportunity", "006000000000000003", Amount=Decimal("1.123456789"))
    with pytest.raises(
        InputError, match=r"salesforce:Opportunity row 4 column Amount: '1.123456789' has 9 decimals"
    ):
        company.load()


def test_a_source_that_shows_too_few_rows_is_refused(company: Company) -> None:
    company.load()
    rows = company.org.objects["Opportunity"].rows
    company.org.objects["Opportunity"].rows = dict(list(rows.items())[:100])
    company.configure(f'[{SYSTEM}.tables.Opportunity]\nfull_every = "0 days"')
    with pytest.raises(InputError, match="100 rows, the last load had 250"):
        company.load()
    allowed = company.load(allow_shrink=frozenset({f"{SYSTEM}.Opportunity"}))
    assert allowed.tables["Opportunity"] == TableResult(100, 0, 150, 100)


def test_a_source_that_stopped_changing_is_refused(company: Company) -> None:
    company.configure(f'[{SYSTEM}.tables.Opportunity]\nmax_age = "1 day"')
    with pytest.raises(InputError, match="max_age allows"):
        company.load()


def test_bulk_lands_the_same_rows(company: Company, tmp_path: Path) -> None:
    columns = f'[{SYSTEM}.tables.Opportunity]\ncolumns = {{ Margin__c = "decimal" }}'
    company.configure(columns)
    company.load()
    select = f'SELECT * EXCLUDE (_dlt_load_id, _dlt_valid_from, _source_row) FROM raw_{SYSTEM}."Opportunity" ORDER BY "Id"'
    by_rest = company.query(select)
    company.settings = replace(company.settings, home=tmp_path / "second")
    company.configure(
        f'[{SYSTEM}.options]\nbulk = ["Opportunity", "OpportunitySplit"]\nbulk_page_rows = 60\nbulk_poll_seconds = 0.05\n{columns}'
    )
    company.server.fault(f"{DATA}/jobs/query/.*/results", cut_body(), status(500), expire_token(), skip=1)
    result = company.load()
    assert result.tables["Opportunity"] == TableResult(250, 250, 0, 250)
    assert company.query(select) == by_rest
    assert company.query(f'SELECT DISTINCT "SplitType" FROM raw_{SYSTEM}."OpportunitySplit"') == [
        ("Revenue",)
    ]
    assert company.server.faults_left == 0


def test_an_org_with_one_currency_names_it_in_the_configuration(company: Company) -> None:
    del company.org.objects["Opportunity"].fields["CurrencyIsoCode"]
    declared = f'[{SYSTEM}.tables.Opportunity]\ncolumns = {{ CurrencyIsoCode = "text" }}'
    company.configure(declared)
    with pytest.raises(SchemaAlert, match="CurrencyIsoCode"):
        company.load()
    company.configure(f'[{SYSTEM}.options]\nsingle_currency = "USD"\n{declared}')
    company.load()
    assert company.query(f'SELECT DISTINCT "CurrencyIsoCode" FROM raw_{SYSTEM}."Opportunity"') == [("USD",)]


def test_secrets_are_not_in_the_logs_nor_in_the_error(
    company: Company, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(logging.getLogger("dlt"), "propagate", True)
    monkeypatch.setattr(logging.getLogger("dlt"), "level", logging.DEBUG)
    company.load()
    monkeypatch.setenv("SOURCES__SALESFORCE__CLIENT_SECRET", "another-secret-text")
    with pytest.raises(AuthError, match="invalid_client") as caught:
        company.load()
    said = caplog.text + str(caught.value) + repr(configured_systems(company.settings))
    assert "/services/data/" in said, "the requests are in the log"
    for secret in (CLIENT_SECRET, "another-secret-text", "access-token-number"):
        assert secret not in said
    landed = [path for path in company.settings.home.rglob("*") if path.is_file()]
    for secret in (CLIENT_SECRET, "access-token-number"):
        assert [path for path in landed if secret.encode() in path.read_bytes()] == []


def checked(company: Company) -> str:
    return render_findings(check_sources(configured_systems(company.settings), company.settings))


def test_check_sources_finds_all_in_order(company: Company) -> None:
    said = checked(company)
    assert said.endswith("All in order."), said
    assert "14100 of 15000 requests left today" in said
    assert not company.settings.warehouse.exists()


def test_check_sources_names_each_problem_with_its_fix(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    company.configure(read=(*TABLES, "Territory2"))
    del company.org.objects["Territory2"]
    del company.org.objects["Opportunity"].fields["Amount"]
    del company.org.objects["Opportunity"].fields["Region__c"]
    said = checked(company)
    lines = [line for line in said.splitlines() if line.startswith("PROBLEM")]
    assert len(lines) == 3, said
    assert "Territory2: " in lines[0] and "leave it out of `read`" in lines[0]
    assert "Opportunity.Amount: is no longer a field" in lines[1]
    assert "Opportunity.Region__c: is not a field of the source, used by plan reseller" in lines[2]
    monkeypatch.delenv("SOURCES__SALESFORCE__CLIENT_SECRET")
    assert "set the environment variable SOURCES__SALESFORCE__CLIENT_SECRET" in checked(company)
    monkeypatch.setenv("SOURCES__SALESFORCE__CLIENT_SECRET", "wrong-secret")
    said = checked(company)
    assert "invalid_client" in said and "correct the secrets" in said and "wrong-secret" not in said


def test_check_sources_tells_what_the_user_may_not_do(company: Company) -> None:
    company.server.fault(f"{DATA}/limits", status(403, [{"errorCode": "API_DISABLED_FOR_ORG"}]))
    assert "give the user the permission API Enabled" in checked(company)
    company.server.fault(f"{DATA}/queryAll", status(400, [{"errorCode": "INSUFFICIENT_ACCESS"}]))
    assert "give the user Read and View All on Opportunity" in checked(company)


def run(company: Company, *module: str) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | {
        "COMMISSIONS_HOME": str(company.settings.home),
        "COMMISSIONS_SOURCES": str(company.settings.sources),
    }
    return subprocess.run(
        [sys.executable, "-m", *module],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_the_commands_check_and_load_what_is_configured(company: Company) -> None:
    looked = run(company, "ingestion.checks")
    assert (looked.returncode, looked.stderr) == (0, ""), looked
    assert looked.stdout.endswith("All in order.\n")
    loaded = run(company, "ingestion", SYSTEM)
    assert loaded.returncode == 0, loaded
    line = next(line.split() for line in loaded.stdout.splitlines() if "raw_salesforce.Opportunity " in line)
    assert line == ["raw_salesforce.Opportunity", "250", "250", "0", "250"]
    company.server.fault("/services/oauth2/token", *[status(400, {"error": "invalid_grant"})] * 2)
    refused = run(company, "ingestion", SYSTEM)
    assert refused.returncode == 1
    assert refused.stderr.startswith("salesforce: ") and "invalid_grant" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert run(company, "ingestion.checks").returncode == 1
