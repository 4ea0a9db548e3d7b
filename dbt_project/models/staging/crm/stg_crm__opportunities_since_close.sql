-- Keeps each landed version of a won opportunity since it was won, all fields under the CRM's own names; from another CRM
-- where var crm_system says so.
-- Grain: one row per won opportunity and version since its close. Rule: docs/rules/valuation.md
with

rows_since_close as (
  {{ rows_since_close(crm_rows('Opportunity', 'opportunities'), ['"Id"'], "\"StageName\" = 'Closed Won'") }}
)

select
  'crm/Opportunity/' || "Id" as transaction_id,
  *
from rows_since_close
