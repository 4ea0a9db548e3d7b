-- Keeps the latest version of each account under the source's own field names; of raw_crm only, no other
-- model reads it.
-- Grain: one row per account.
{{ config(enabled=var('crm_system') == 'files') }}

with

current_rows as (
  {{ current_rows(source('crm', 'Account'), ['"Id"']) }}
)

select *
from current_rows
