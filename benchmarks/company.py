"""A synthetic company in the shape of the raw tables: the same rows for the same size, whatever the machine.

5,000 payees on five levels: 1 head, 8 directors, 60 managers, 431 team leads, 4,500 representatives. A
representative sells in one of ten segments; a segment belongs to one of four groups, a group to one of two
halves. 40 % of the representatives change their team lead once or twice, a quarter of these with their segment
and their plan; 4 % leave. 24 months of deals in six currencies, 85 % won, 20 % shared by two or three people, one
or two invoices a deal with 8 % tax, 92 % of them paid, 2 % of the payments given back in part or whole.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from ingestion.landing.tables import PRECISION, Column
from ingestion.registry import SYSTEMS

FIRST_DAY, LAST_DAY = "2024-01-01", "2025-12-31"
LANDED_AT = "2026-01-01 00:00:00+00"
CHANGED_AT = "2026-01-02 00:00:00+00"
CURRENCIES = (("USD", 0.60), ("EUR", 0.80), ("GBP", 0.88), ("CAD", 0.93), ("AUD", 0.97), ("CHF", 1.01))
UNITS_PER_USD = (("EUR", 0.92), ("GBP", 0.79), ("CAD", 1.36), ("AUD", 1.51), ("CHF", 0.89))

TECHNICAL = {
    "_row_hash": "VARCHAR",
    "_source_file": "VARCHAR",
    "_source_row": "BIGINT",
    "_dlt_load_id": "VARCHAR",
    "_dlt_valid_from": "TIMESTAMP WITH TIME ZONE",
    "_dlt_valid_to": "TIMESTAMP WITH TIME ZONE",
}

# Draws are hashes of the row and of what is drawn, so that no draw depends on an order.
MACROS = """
create temp macro draw(row_key, purpose) as (hash(row_key, purpose) % 1000003) / 1000003.0;
create temp macro pick(row_key, purpose, choices) as cast(hash(row_key, purpose) % choices as integer);
create temp macro group_of(segment) as case when segment < 3 then 0 when segment < 5 then 1 when segment < 8 then 2 else 3 end;
create temp macro payee_id(number) as 'E' || lpad(cast(number as varchar), 5, '0');
create temp macro user_id(number) as '005' || lpad(cast(number as varchar), 8, '0');
create temp macro deal_id(number) as '006' || lpad(cast(number as varchar), 10, '0');
"""

PEOPLE = """
create temp table people as
select number, case when number < 1 then 1 when number < 9 then 2 when number < 69 then 3 when number < 500 then 4 else 5 end as rank,
  case when number >= 500 then number % 10 end as segment,
  case when number >= 500 and draw(number, 'moves') >= 0.6
    then date '2024-01-01' + (20 + pick(number, 'first move', 340)) end as moved_on,
  case when number >= 500 and draw(number, 'moves') >= 0.9
    then date '2024-01-01' + (365 + pick(number, 'second move', 340)) end as moved_again_on,
  number >= 500 and draw(number, 'changes segment') < 0.25 as changes_segment,
  case when number >= 500 and draw(number, 'leaves') < 0.04
    then date '2024-01-01' + (90 + pick(number, 'leaving', 600)) end as left_on
from (select unnest(range(5000))::integer as number);
create temp table stays as
with stays as (
  select number, rank, 0 as stay, date '2024-01-01' as since, coalesce(moved_on, date '9999-01-01') as until, segment from people
  union all
  select number, rank, 1, moved_on, coalesce(moved_again_on, date '9999-01-01'),
    case when changes_segment then (segment + 1 + pick(number, 'new segment', 9)) % 10 else segment end
  from people where moved_on is not null
  union all
  select number, rank, 2, moved_again_on, date '9999-01-01',
    case when changes_segment then (segment + 1 + pick(number, 'new segment', 9)) % 10 else segment end
  from people where moved_again_on is not null and moved_on is not null
)
select *, case rank
    when 5 then 69 + group_of(segment) + 4 * pick(number * 3 + stay, 'team lead', 107)
    when 4 then 9 + case when (number - 69) % 4 < 2 then 0 else 1 end + 2 * pick(number, 'manager', 30)
    when 3 then 1 + pick(number, 'director', 8)
    when 2 then 0
  end as manager
from stays;
"""

DEALS = """
create temp table deals as
select number, date '2024-01-01' + pick(number, 'day', 731) as closed_on,
  500 + least(4499, cast(floor(4500 * pow(draw(number, 'owner'), 1.3)) as integer)) as owner,
  round(500 + 20000 * pow(draw(number, 'amount'), 3), 2)::decimal(18, 2) as amount,
  draw(number, 'currency') as currency_draw,
  pick(number, 'product', 10) as product,
  draw(number, 'status') as status,
  draw(number, 'invoices') as invoices_draw,
  draw(number, 'shared') < 0.2 as is_shared,
  draw(number, 'parties') < 0.25 as has_three
from (select unnest(range($deals)) as number);
"""

INVOICES = """
create temp table bills as
select deals.number * 2 + part as number, deals.number as deal, currency,
  deals.closed_on + 5 + pick(deals.number * 2 + part, 'billing', 36) + 30 * part as billed_on,
  (case when invoices_draw < 0.5 then amount when part = 0 then round(amount / 2, 2)::decimal(18, 2)
    else amount - round(amount / 2, 2)::decimal(18, 2) end)::decimal(18, 2) as net
from (select *, {currency} as currency from deals where status < 0.85) as deals, (values (0), (1)) as parts(part)
where part = 0 or invoices_draw >= 0.5;
"""

# Table: the columns that are filled; all others are null.
ROWS: dict[tuple[str, str], str] = {
    ("hris", "employees"): """
        select payee_id(number) as id, payee_id(number) as "employeeNumber", 'First' as "firstName",
          'Name ' || number as "lastName", 'e' || number || '@example.com' as "workEmail",
          date '2020-01-01' as "hireDate", left_on as "terminationDate" from people""",
    ("hris", "job_info"): """
        select payee_id(number) as "employeeId", since as "date", payee_id(manager) as "reportsTo"
        from stays where manager is not null""",
    ("crm", "User"): """
        select user_id(number) as "Id", 'e' || number || '@example.com' as "Email", 'Name ' || number as "Name",
          payee_id(number) as "EmployeeNumber", true as "IsActive" from people""",
    ("fx", "CurrencyRate"): """
        select 'USD' || code || strftime(day, '%Y%m%d') as "CurrencyRateID", day::date as "CurrencyRateDate",
          'USD' as "FromCurrencyCode", code as "ToCurrencyCode",
          round(units * (1 + 0.06 * sin(epoch(day) / 4e6 + units) + 0.005 * draw(epoch(day)::bigint, code)), 8) as "AverageRate"
        from (values {units}) as currencies(code, units),
          generate_series(timestamp '2023-12-25', timestamp '2025-12-31', interval 1 day) as days(day)
        where dayofweek(day) between 1 and 5""",
    ("crm", "Opportunity"): """
        select deal_id(deals.number) as "Id", 'Deal ' || deals.number as "Name", user_id(owner) as "OwnerId",
          case when status < 0.85 then 'Closed Won' when status < 0.95 then 'Closed Lost' else 'Negotiation' end as "StageName",
          status < 0.95 as "IsClosed", status < 0.85 as "IsWon", false as "IsDeleted", amount as "Amount",
          {currency} as "CurrencyIsoCode", closed_on as "CloseDate",
          'Segment ' || stays.segment as "Type", 'Product ' || product as "Product_Tier__c"
        from deals
        inner join stays on owner = stays.number and closed_on >= since and closed_on < until
        order by deals.number""",
    ("crm", "OpportunitySplit"): """
        select '1' || lpad(cast(number * 3 + party as varchar), 11, '0') as "Id", deal_id(number) as "OpportunityId",
          user_id(500 + (owner - 500 + 10 * party * (1 + pick(number, 'partner', 40))) % 4500) as "SplitOwnerId",
          'Revenue' as "SplitType", false as "IsDeleted",
          case when has_three then [33.33, 33.33, 33.34][party + 1]
            when number % 2 = 0 then [60, 40][party + 1] else [37.5, 62.5][party + 1] end as "SplitPercentage"
        from deals, (values (0), (1), (2)) as parties(party)
        where is_shared and (party < 2 or has_three)
        order by number, party""",
    ("billing", "invoices"): """
        select 'INV' || number as invoice_id, deal_id(deal) as opportunity_id, billed_on as invoice_date,
          currency as currency_code, net as subtotal_amount, round(net * 0.08, 2) as tax_amount, 0 as freight_amount,
          net + round(net * 0.08, 2) as total_amount, 'sent' as status
        from bills""",
    ("billing", "payments"): """
        with paid as (
          select *, net + round(net * 0.08, 2) as total, billed_on + 5 + pick(number, 'paying', 56) as paid_on
          from bills where draw(number, 'paid') < 0.92)
        select 'PAY' || number as payment_id, 'INV' || number as invoice_id, deal_id(deal) as opportunity_id,
          'payment' as kind, paid_on as paid_date, currency as currency_code, total as amount from paid
        union all
        select 'REF' || number, 'INV' || number, deal_id(deal), 'refund', paid_on + 10 + pick(number, 'refund', 80),
          currency, -(case when draw(number, 'half') < 0.5 then total else round(total / 2, 2) end)
        from paid where draw(number, 'refunded') < 0.02""",
}


def _sql_type(column: Column) -> str:
    types = {"text": "VARCHAR", "date": "DATE", "timestamp": "TIMESTAMP WITH TIME ZONE", "bool": "BOOLEAN"}
    return types.get(column.type) or (
        "BIGINT" if column.type == "bigint" else f"DECIMAL({PRECISION}, {column.scale})"
    )


def _create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    for system in SYSTEMS.values():
        connection.execute(f"create schema if not exists {system.schema}")
        for table in system.tables:
            columns = {column.name: _sql_type(column) for column in table.columns} | TECHNICAL
            listed = ", ".join(f'"{name}" {sql_type}' for name, sql_type in columns.items())
            connection.execute(f'create or replace table {system.schema}."{table.name}" ({listed})')


def _currency_case() -> str:
    return (
        "case "
        + " ".join(f"when currency_draw < {share} then '{code}'" for code, share in CURRENCIES)
        + " end"
    )


def build(warehouse: Path, deals: int) -> None:
    """Write the raw schemas of a company with this many deals into a new warehouse file."""
    warehouse.parent.mkdir(parents=True, exist_ok=True)
    for leftover in (warehouse, warehouse.with_name(warehouse.name + ".wal")):
        leftover.unlink(missing_ok=True)
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("set threads = 2")
        connection.execute(MACROS + PEOPLE)
        connection.execute(DEALS.replace("$deals", str(deals)))
        connection.execute(INVOICES.format(currency=_currency_case()))
        _create_tables(connection)
        units = ", ".join(f"('{code}', {value})" for code, value in UNITS_PER_USD)
        for (system, table), rows in ROWS.items():
            select = rows.replace("{currency}", _currency_case()).replace("{units}", units)
            connection.execute(
                f'insert into {SYSTEMS[system].schema}."{table}" by name '
                f"select *, md5(cast(row_number() over () as varchar)) as _row_hash, '{table}.csv.gz' as _source_file, "
                f"row_number() over () as _source_row, '1767225600.0' as _dlt_load_id, "
                f"timestamptz '{LANDED_AT}' as _dlt_valid_from from ({select})"
            )


def change_one_deal(warehouse: Path) -> str:
    """Land a new version of one won, paid deal with a tenth more amount; returns the deal's id."""
    table = f'{SYSTEMS["crm"].schema}."Opportunity"'
    with duckdb.connect(str(warehouse)) as connection:
        found = connection.execute(
            f"""select "Id" from {table} where "StageName" = 'Closed Won' and _dlt_valid_to is null
            order by "CloseDate", "Id" limit 1"""
        ).fetchone()
        if found is None:
            raise ValueError(f"{warehouse} has no won deal to change")
        connection.execute("begin")
        connection.execute(
            f"""insert into {table} select * replace ("Amount" * 1.1 as "Amount", 'changed' as _row_hash,
            timestamptz '{CHANGED_AT}' as _dlt_valid_from) from {table} where "Id" = ? and _dlt_valid_to is null""",
            [found[0]],
        )
        connection.execute(
            f"""update {table} set _dlt_valid_to = timestamptz '{CHANGED_AT}'
            where "Id" = ? and _row_hash <> 'changed'""",
            [found[0]],
        )
        connection.execute("commit")
    return str(found[0])
