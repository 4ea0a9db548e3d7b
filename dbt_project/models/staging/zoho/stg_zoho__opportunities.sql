-- Gives each landed version of a Zoho deal the fields of the CRM beside its own: ids out of the lookups, and the stage
-- Closed Won for the stages of var zoho_won_stages. An organisation with one currency has no field Currency.
-- Grain: one row per deal and landed version.
{{ config(enabled=var('crm_system') == 'zoho') }}

with

deals as (
  select * from {{ source('zoho', 'Deals') }}
)

select
  {{ columns_except(['closedate', 'ownerid', 'accountid', 'territory2id', 'currencyisocode', 'stagename', 'isdeleted']) }},
  "Closing_Date" as "CloseDate",
  "Owner"::json ->> 'id' as "OwnerId",
  "Account_Name"::json ->> 'id' as "AccountId",
  null::varchar as "Territory2Id",
  coalesce(to_json(deals) ->> 'Currency', nullif('{{ var("crm_currency_code") }}', '')) as "CurrencyIsoCode",
  {{ stage_name('"Stage" in (\'' ~ (var('zoho_won_stages') | join("', '")) ~ '\')', '"Stage"') }} as "StageName",
  false as "IsDeleted"
from deals
