-- Keeps the latest version of each account under the source's own field names.
-- Grain: one row an account.
with

current_rows as (
  {{ current_rows(source('crm', 'Account'), ['"Id"']) }}
)

select *
from current_rows
