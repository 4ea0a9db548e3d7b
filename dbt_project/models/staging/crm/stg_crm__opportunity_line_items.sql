-- Keeps the latest version of each opportunity line under the source's own field names.
-- Grain: one row a line.
with

current_rows as (
  {{ current_rows(source('crm', 'OpportunityLineItem'), ['"Id"']) }}
)

select *
from current_rows
