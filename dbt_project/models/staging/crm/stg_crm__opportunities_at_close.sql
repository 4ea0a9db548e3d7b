-- Keeps each won opportunity as it was when it was first landed as won, all fields under the CRM's own names; from another
-- CRM where var crm_system says so.
-- Grain: one row per won opportunity. Rule: docs/rules/valuation.md
with

rows_at_close as (
  {{ rows_at_close(crm_rows('Opportunity', 'opportunities'), ['"Id"'], "\"StageName\" = 'Closed Won'") }}
)

select
  'crm/Opportunity/' || "Id" as transaction_id,
  *
from rows_at_close
