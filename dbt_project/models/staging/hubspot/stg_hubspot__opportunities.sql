-- Gives each landed version of a HubSpot deal the fields of the CRM beside its own: the day of closedate in the company's
-- time zone, the owner, the currency, and the stage Closed Won where HubSpot counts the deal as won.
-- Grain: one row per deal and landed version.
{{ config(enabled=var('crm_system') == 'hubspot') }}

with

deals as (
  select * from {{ source('hubspot', 'deals') }}
)

select
  {{ columns_except(['closedate', 'ownerid', 'accountid', 'territory2id', 'currencyisocode', 'stagename', 'isdeleted']) }},
  {{ day_of('closedate', var('crm_time_zone')) }} as "CloseDate",
  hubspot_owner_id as "OwnerId",
  null::varchar as "AccountId",
  null::varchar as "Territory2Id",
  coalesce(deal_currency_code, nullif('{{ var("crm_currency_code") }}', '')) as "CurrencyIsoCode",
  {{ stage_name('hs_is_closed_won', 'dealstage') }} as "StageName",
  coalesce(archived, false) as "IsDeleted"
from deals
