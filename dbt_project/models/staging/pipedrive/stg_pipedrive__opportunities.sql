-- Gives each landed version of a Pipedrive deal the fields of the CRM beside its own: the day on which it was won in the
-- company's time zone, and the stage Closed Won where the status is won. The id becomes text.
-- Grain: one row per deal and landed version.
{{ config(enabled=var('crm_system') == 'pipedrive') }}

with

deals as (
  select * from {{ source('pipedrive', 'deals') }}
)

select
  {{ columns_except([
    'id', 'amount', 'closedate', 'ownerid', 'accountid', 'territory2id', 'currencyisocode', 'stagename', 'isdeleted'
  ]) }},
  id::varchar as "Id",
  "value" as "Amount",
  coalesce(local_won_date, {{ day_of('won_time', var('crm_time_zone')) }}) as "CloseDate",
  owner_id::varchar as "OwnerId",
  org_id::varchar as "AccountId",
  null::varchar as "Territory2Id",
  currency as "CurrencyIsoCode",
  case when status = 'won' then 'Closed Won' else status end as "StageName",
  coalesce(is_deleted, false) as "IsDeleted"
from deals
