-- Keeps each landed version of a won Maven pipeline row since it was won, under its own field names.
-- Grain: one row per won opportunity and version since its close. Rule: docs/rules/valuation.md
with

rows_since_close as (
  {{ rows_since_close(source('maven_crm', 'sales_pipeline'), ['opportunity_id'], "deal_stage = 'Won'") }}
)

select
  'maven_crm/sales_pipeline/' || opportunity_id as transaction_id,
  *
from rows_since_close
