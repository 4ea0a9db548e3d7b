"""The CRM's own histories, where a company has them, become changes with what a field held before."""

from pathlib import Path

import duckdb

from tests.support.parses import run_dbt

FIELD_HISTORY = """
create table raw_crm."OpportunityFieldHistory" (
  "Id" varchar, "OpportunityId" varchar, "Field" varchar, "DataType" varchar, "OldValue" varchar, "IsDeleted" boolean,
  "CreatedDate" timestamptz, _dlt_valid_from timestamptz, _dlt_valid_to timestamptz, _row_hash varchar
);
insert into raw_crm."OpportunityFieldHistory"
select unnest(changes, recursive := true), timestamptz '2024-06-01 00:00:00+00', null, changes.id
from (
  values
  ({id: '1', d: 'D1', f: 'Owner', t: 'Text', o: 'Ana', x: false, c: timestamptz '2024-01-06 10:00:00+00'}),
  ({id: '2', d: 'D1', f: 'Owner', t: 'EntityId', o: '005A', x: false, c: timestamptz '2024-01-06 10:00:00+00'}),
  ({id: '3', d: 'D1', f: 'Region__c', t: 'Picklist', o: null, x: false, c: timestamptz '2024-01-07 10:00:00+00'}),
  ({id: '4', d: 'D1', f: 'Partner__c', t: 'EntityId', o: '001A', x: false, c: timestamptz '2024-01-08 10:00:00+00'}),
  ({id: '5', d: 'D1', f: 'Type', t: 'Picklist', o: 'New', x: true, c: timestamptz '2024-01-09 10:00:00+00'})
) as listed (changes)
"""
HISTORY = """
create table raw_crm."OpportunityHistory" (
  "Id" varchar, "OpportunityId" varchar, "StageName" varchar, "Amount" decimal(28, 8), "CloseDate" date, "IsDeleted" boolean,
  "CreatedDate" timestamptz, _dlt_valid_from timestamptz, _dlt_valid_to timestamptz, _row_hash varchar
);
insert into raw_crm."OpportunityHistory" values
  ('h1', 'D1', 'Open', null, '2024-01-31', false, '2024-01-01 10:00:00+00', '2024-06-01 00:00:00+00', null, 'h1'),
  ('h2', 'D1', 'Closed Won', 100, '2024-01-31', false, '2024-01-05 10:00:00+00', '2024-06-01 00:00:00+00', null, 'h2'),
  ('h3', 'D1', 'Closed Won', 120, '2024-01-31', false, '2024-03-01 10:00:00+00', '2024-06-01 00:00:00+00', null, 'h3')
"""


def test_changes_are_read_off_both_histories(tmp_path: Path) -> None:
    """A look-up is its ids, under the field's own name; a row that the CRM marks deleted is left out."""
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("create schema raw_crm")
        connection.execute(FIELD_HISTORY)
        connection.execute(HISTORY)
    chosen = ("--exclude-resource-type", "unit_test", "--select", "stg_crm__opportunity_changes")
    done = run_dbt(tmp_path, "build", *chosen, switches={"crm_has_history": True})
    assert done.is_good, "\n".join(node.message for node in done.nodes if not node.is_good) or done.error
    with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        found = connection.execute(
            "select change_id, field_name, old_value, strftime(changed_at, '%m-%d') "
            "from staging.stg_crm__opportunity_changes order by changed_at, change_id, field_name"
        ).fetchall()
    assert found == [
        ("h1", "Amount", None, "01-01"),
        ("h1", "CloseDate", None, "01-01"),
        ("h1", "StageName", None, "01-01"),
        ("h2", "Amount", None, "01-05"),
        ("h2", "StageName", "Open", "01-05"),
        ("2", "OwnerId", "005A", "01-06"),
        ("3", "Region__c", None, "01-07"),
        ("4", "Partner__c", "001A", "01-08"),
        ("h3", "Amount", "100.00000000", "03-01"),
    ]
