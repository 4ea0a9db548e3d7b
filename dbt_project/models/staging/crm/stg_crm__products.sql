-- Keeps the latest version of each product under the source's own field names.
-- Grain: one row a product.
with

current_rows as (
  {{ current_rows(source('crm', 'Product2'), ['"Id"']) }}
)

select *
from current_rows
