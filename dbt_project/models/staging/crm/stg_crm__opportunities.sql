-- Keeps each opportunity's latest version, all fields under the CRM's own names, and gives it its pool id.
-- Grain: one row an opportunity.
with

current_rows as (
  {{ current_rows(source('crm', 'Opportunity'), ['"Id"']) }}
)

select
  'crm/Opportunity/' || "Id" as transaction_id,
  *
from current_rows
