"""The bundled sample lands whole, under the source's own names, with exact amounts."""

from decimal import Decimal

import pytest

from ingestion.landing.settings import SAMPLE_DIR
from ingestion.load import LoadResult, TableCount, check_inputs, table_counts
from ingestion.registry import SYSTEMS
from tests.support.companies.landed_company import Company, sample_header, sample_rows

Loaded = tuple[Company, dict[str, LoadResult]]

TABLES = [(system.name, table.name) for system in SYSTEMS.values() for table in system.tables]

ROWS_PUBLISHED = {
    # 7,422 orders, and the ten derived open deals.
    ("crm", "Opportunity"): 7432,
    ("crm", "OpportunityLineItem"): 35557,
    ("crm", "Product2"): 504,
    ("crm", "ProductCost__c"): 395,
    ("crm", "User"): 18,
    ("crm", "Territory2"): 10,
    ("hris", "employees"): 290,
    ("hris", "job_info"): 290,
    ("hris", "department_history"): 296,
    ("hris", "territory_history"): 15,
    ("hris", "compensation"): 316,
    ("hris", "sales_people"): 17,
    ("billing", "invoices"): 7422,
    ("fx", "CurrencyRate"): 9128,
    ("maven_crm", "sales_pipeline"): 8800,
    ("maven_crm", "accounts"): 85,
    ("maven_crm", "products"): 7,
    ("maven_crm", "sales_teams"): 35,
}


def test_the_sample_has_no_problem() -> None:
    assert check_inputs(SAMPLE_DIR) == []


@pytest.mark.parametrize(("system", "table"), TABLES)
def test_every_row_of_the_file_is_live(sample: Loaded, system: str, table: str) -> None:
    company, results = sample
    rows = len(sample_rows(system, table))
    result = results[system].tables[table]
    assert (result.in_file, result.new_versions, result.retired, result.live) == (rows, rows, 0, rows)
    assert table_counts(system, company.settings)[table] == TableCount(live=rows, retired=0)
    assert rows == ROWS_PUBLISHED.get((system, table), rows)


@pytest.mark.parametrize(("system", "table"), TABLES)
def test_columns_have_the_names_and_the_order_of_the_source(sample: Loaded, system: str, table: str) -> None:
    company, _ = sample
    landed = company.query(
        f"SELECT column_name FROM information_schema.columns "
        f"WHERE table_schema = 'raw_{system}' AND table_name = '{table}' ORDER BY ordinal_position"
    )
    own = ["_row_hash", "_source_file", "_source_row", "_dlt_load_id", "_dlt_valid_from", "_dlt_valid_to"]
    assert [name for (name,) in landed] == [*sample_header(system, table), *own]


def test_types_are_the_declared_ones(sample: Loaded) -> None:
    company, _ = sample
    landed = dict(
        company.query(
            "SELECT table_schema || '.' || table_name || '.' || column_name, data_type "
            "FROM information_schema.columns WHERE table_schema LIKE 'raw_%'"
        )
    )
    assert landed["raw_crm.Opportunity.Amount"] == "DECIMAL(28,8)"
    assert landed["raw_crm.Opportunity.CloseDate"] == "DATE"
    assert landed["raw_crm.Opportunity.SystemModstamp"] == "TIMESTAMP WITH TIME ZONE"
    assert landed["raw_crm.Opportunity.IsDeleted"] == "BOOLEAN"
    assert landed["raw_fx.CurrencyRate.AverageRate"] == "DECIMAL(28,10)"
    assert landed["raw_hris.compensation.payFrequency"] == "BIGINT"
    assert landed["raw_hris.employees.terminationDate"] == "DATE", "a column without any value lands as well"
    assert not [name for name, kind in landed.items() if kind in ("DOUBLE", "FLOAT")]


def test_order_amounts_add_up_to_the_published_sums(sample: Loaded) -> None:
    company, _ = sample
    [(total, of_reps, orders_of_reps)] = company.query(
        'SELECT sum("Amount"), sum("Amount") FILTER ("OwnerId" IS NOT NULL), count("OwnerId") '
        'FROM raw_crm."Opportunity" WHERE "IsWon"'
    )
    assert (total, of_reps, orders_of_reps) == (Decimal("57044330.8205"), Decimal("44210112.2798"), 1994)
    [(lines,)] = company.query('SELECT sum("TotalPrice") FROM raw_crm."OpportunityLineItem"')
    assert round(lines, 2) == Decimal("57044330.82")
    [(invoiced,)] = company.query("SELECT sum(subtotal_amount) FROM raw_billing.invoices")
    assert invoiced == total


def test_every_amount_is_the_text_of_the_file(sample: Loaded) -> None:
    company, _ = sample
    landed = dict(company.query('SELECT "Id", "Total_Due__c" FROM raw_crm."Opportunity"'))
    assert landed == {
        row["Id"]: Decimal(row["Total_Due__c"]) if row["Total_Due__c"] else None
        for row in sample_rows("crm", "Opportunity")
    }


def test_every_row_names_its_line(sample: Loaded) -> None:
    company, _ = sample
    expected = {row["Id"]: line for line, row in enumerate(sample_rows("crm", "Opportunity"), start=2)}
    assert dict(company.query('SELECT "Id", _source_row FROM raw_crm."Opportunity"')) == expected
    assert company.query('SELECT DISTINCT _source_file FROM raw_crm."Opportunity"') == [
        ("crm/Opportunity.csv.gz",)
    ]


def test_payments_follow_the_invoice_status(sample: Loaded) -> None:
    company, _ = sample
    contradictions = company.query(
        """
        SELECT
            i.invoice_id, i.status, i.total_amount,
            coalesce(sum(p.amount), 0) AS kept, count(p.payment_id) AS n
        FROM raw_billing.invoices AS i LEFT JOIN raw_billing.payments AS p USING (invoice_id)
        GROUP BY ALL
        HAVING i.status <> CASE
            WHEN n = 0 THEN 'open' WHEN kept = i.total_amount THEN 'paid'
            WHEN kept = 0 THEN 'refunded' ELSE 'partly_paid'
        END
        """
    )
    assert contradictions == []
    unmatched = company.query(
        """
        SELECT p.payment_id FROM raw_billing.payments AS p
        LEFT JOIN raw_billing.invoices AS i ON i.invoice_id = p.invoice_id
        WHERE i.invoice_id IS NULL ORDER BY 1
        """
    )
    assert unmatched == [("PAY-X0001-1",), ("PAY-X0002-1",), ("PAY-X0003-1",)]


def test_a_second_load_lands_nothing(sample: Loaded) -> None:
    company, _ = sample
    for system in SYSTEMS:
        before = table_counts(system, company.settings)
        result = company.load(system)
        assert result.load_ids == ()
        assert {row.new_versions for row in result.tables.values()} == {0}
        assert table_counts(system, company.settings) == before
