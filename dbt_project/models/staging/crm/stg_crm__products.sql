-- Keeps the latest version of each product under the source's own field names; of raw_crm only, no other
-- model reads it.
-- Grain: one row per product.
{{ config(enabled=var('crm_system') == 'files') }}

with

current_rows as (
  {{ current_rows(source('crm', 'Product2'), ['"Id"']) }}
)

select *
from current_rows
