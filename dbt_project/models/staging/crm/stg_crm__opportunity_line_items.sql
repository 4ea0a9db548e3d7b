-- Keeps the latest version of each opportunity line under the source's own field names; of raw_crm only, no other
-- model reads it.
-- Grain: one row per line.
{{ config(enabled=var('crm_system') == 'files') }}

with

current_rows as (
  {{ current_rows(source('crm', 'OpportunityLineItem'), ['"Id"']) }}
)

select *
from current_rows
