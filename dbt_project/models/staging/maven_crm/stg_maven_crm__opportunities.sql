-- Keeps each Maven pipeline row's latest version under its own field names, and gives it its pool id.
-- Grain: one row per opportunity.
with

current_rows as (
  {{ current_rows(source('maven_crm', 'sales_pipeline'), ['opportunity_id']) }}
)

select
  'maven_crm/sales_pipeline/' || opportunity_id as transaction_id,
  *
from current_rows
