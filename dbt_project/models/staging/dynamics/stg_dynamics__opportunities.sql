-- Gives each landed version of a Dynamics 365 opportunity the fields of the CRM beside its own: the actual value and close
-- date, the owning user, the ISO code of the currency, and the stage Closed Won where the state is won.
-- Grain: one row per opportunity and landed version.
{{ config(enabled=var('crm_system') == 'dynamics') }}

with

opportunities as (
  select * from {{ source('dynamics', 'opportunities') }}
),

currencies as (
  {{ current_rows(source('dynamics', 'transactioncurrencies'), ['transactioncurrencyid']) }}
),

with_currency as (
  select
    opportunities.*,
    currencies.isocurrencycode as iso_code_of_currency
  from opportunities
  left join currencies on opportunities._transactioncurrencyid_value = currencies.transactioncurrencyid
)

select
  {{ columns_except([
    'iso_code_of_currency', 'id', 'amount', 'closedate', 'ownerid', 'accountid', 'territory2id', 'currencyisocode', 'stagename',
    'isdeleted'
  ]) }},
  opportunityid as "Id",
  actualvalue as "Amount",
  actualclosedate as "CloseDate",
  coalesce(_owninguser_value, _ownerid_value) as "OwnerId",
  coalesce(_parentaccountid_value, _customerid_value) as "AccountId",
  null::varchar as "Territory2Id",
  iso_code_of_currency as "CurrencyIsoCode",
  {{ stage_name('statecode = 1', 'stepname') }} as "StageName",
  false as "IsDeleted"
from with_currency
