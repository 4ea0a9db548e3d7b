-- Lists the won deals whose amount, currency, owner or date was edited after they were first landed as won.
-- Grain: one row an edited transaction.
with

transactions as (
  select * from {{ ref('int_pool__deals') }}
  where is_closed_won
),

at_close as (
  select
    transaction_id,
    cast("Amount" as decimal(28, 10)) as transaction_amount,
    "CurrencyIsoCode" as currency_code,
    "OwnerId" as owner_alias,
    cast("CloseDate" as date) as booked_date
  from {{ ref('stg_crm__opportunities_at_close') }}
  union all
  select
    transaction_id,
    cast(close_value as decimal(28, 10)) as transaction_amount,
    cast(null as varchar) as currency_code,
    sales_agent as owner_alias,
    cast(close_date as date) as booked_date
  from {{ ref('stg_maven_crm__opportunities_at_close') }}
),

final as (
  select
    transactions.transaction_id::varchar as transaction_id,
    at_close.booked_date::date as booked_date_at_close,
    transactions.booked_date::date as booked_date,
    at_close.owner_alias::varchar as owner_alias_at_close,
    transactions.owner_alias::varchar as owner_alias,
    at_close.currency_code::varchar as currency_code_at_close,
    transactions.currency_code::varchar as currency_code,
    at_close.transaction_amount::decimal(28, 10) as transaction_amount_at_close,
    transactions.transaction_amount::decimal(28, 10) as transaction_amount
  from transactions
  inner join at_close on transactions.transaction_id = at_close.transaction_id
  where
    at_close.booked_date is distinct from transactions.booked_date
    or at_close.owner_alias is distinct from transactions.owner_alias
    or at_close.currency_code is distinct from transactions.currency_code
    or at_close.transaction_amount is distinct from transactions.transaction_amount
)

select * from final
