-- Keeps each opportunity's latest version, all fields under the CRM's own names, and gives it its pool id; from another CRM
-- where var crm_system says so.
-- Grain: one row per opportunity.
with

current_rows as (
  {{ current_rows(crm_rows('Opportunity', 'opportunities'), ['"Id"']) }}
)

select
  'crm/Opportunity/' || "Id" as transaction_id,
  *
from current_rows
