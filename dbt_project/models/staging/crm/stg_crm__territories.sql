-- Keeps the latest version of each territory under the source's own field names.
-- Grain: one row a territory.
with

current_rows as (
  {{ current_rows(source('crm', 'Territory2'), ['"Id"']) }}
)

select *
from current_rows
