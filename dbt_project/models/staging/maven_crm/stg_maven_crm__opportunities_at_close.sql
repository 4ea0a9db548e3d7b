-- Keeps each won Maven pipeline row as it was when it was first landed as won, under its own field names.
-- Grain: one row per won opportunity. Rule: docs/rules/valuation.md
with

rows_at_close as (
  {{ rows_at_close(source('maven_crm', 'sales_pipeline'), ['opportunity_id'], "deal_stage = 'Won'") }}
)

select
  'maven_crm/sales_pipeline/' || opportunity_id as transaction_id,
  *
from rows_at_close
