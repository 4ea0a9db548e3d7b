-- Keeps the latest version of each Maven account under the source's own field names.
-- Grain: one row per account.
with

current_rows as (
  {{ current_rows(source('maven_crm', 'accounts'), ['account']) }}
)

select *
from current_rows
