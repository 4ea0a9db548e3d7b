-- Keeps the latest version of each dated product cost under the source's own field names; of raw_crm only, no other
-- model reads it.
-- Grain: one row per product and start date.
{{ config(enabled=var('crm_system') == 'files') }}

with

current_rows as (
  {{ current_rows(source('crm', 'ProductCost__c'), ['"Product2Id"', '"Start_Date__c"']) }}
)

select *
from current_rows
