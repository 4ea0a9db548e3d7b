-- Keeps the latest version of each Maven product under the source's own field names.
-- Grain: one row per product.
with

current_rows as (
  {{ current_rows(source('maven_crm', 'products'), ['product']) }}
)

select *
from current_rows
