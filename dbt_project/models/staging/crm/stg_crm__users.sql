-- Keeps the latest version of each CRM user under the source's own field names.
-- Grain: one row a user.
with

current_rows as (
  {{ current_rows(source('crm', 'User'), ['"Id"']) }}
)

select *
from current_rows
