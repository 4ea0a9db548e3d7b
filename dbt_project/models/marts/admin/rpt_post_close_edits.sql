-- Lists the won deals whose amount, currency, owner or date was edited after they were first landed as won, with what they
-- were before, what they are now, and what to do about it.
-- Grain: one row per edited transaction.
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

reason_codes as (
  select * from {{ ref('reason_codes') }}
),

compared as (
  select
    transactions.transaction_id,
    at_close.booked_date as booked_date_at_close,
    transactions.booked_date,
    at_close.owner_alias as owner_alias_at_close,
    transactions.owner_alias,
    at_close.currency_code as currency_code_at_close,
    transactions.currency_code,
    at_close.transaction_amount as transaction_amount_at_close,
    transactions.transaction_amount,
    concat_ws(
      ', ',
      case when at_close.transaction_amount is distinct from transactions.transaction_amount then 'amount' end,
      case when at_close.currency_code is distinct from transactions.currency_code then 'currency' end,
      case when at_close.owner_alias is distinct from transactions.owner_alias then 'owner' end,
      case when at_close.booked_date is distinct from transactions.booked_date then 'date' end
    ) as changed_fields,
    'edited_after_close' as reason_code
  from transactions
  inner join at_close on transactions.transaction_id = at_close.transaction_id
),

final as (
  select
    compared.transaction_id::varchar as transaction_id,
    compared.changed_fields::varchar as changed_fields,
    compared.booked_date_at_close::date as booked_date_at_close,
    compared.booked_date::date as booked_date,
    compared.owner_alias_at_close::varchar as owner_alias_at_close,
    compared.owner_alias::varchar as owner_alias,
    compared.currency_code_at_close::varchar as currency_code_at_close,
    compared.currency_code::varchar as currency_code,
    compared.transaction_amount_at_close::decimal(28, 10) as transaction_amount_at_close,
    compared.transaction_amount::decimal(28, 10) as transaction_amount,
    compared.reason_code::varchar as reason_code,
    reason_codes.description::varchar as reason_description,
    reason_codes.fix::varchar as fix
  from compared
  inner join reason_codes on compared.reason_code = reason_codes.reason_code
  where compared.changed_fields <> ''
)

select * from final
