-- Keeps each opportunity split's latest version, all fields under the CRM's own names.
-- Grain: one row a split.
with

current_rows as (
  {{ current_rows(source('crm', 'OpportunitySplit'), ['"Id"']) }}
)

select *
from current_rows
