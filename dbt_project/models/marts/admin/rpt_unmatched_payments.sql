-- Lists the payments and refunds that reach no deal, each with the reason and what to do about it.
-- Grain: one row per unmatched payment or refund.
with

collections as (
  select * from {{ ref('int_pool__collections') }}
),

reason_codes as (
  select * from {{ ref('reason_codes') }}
),

final as (
  select
    collections.payment_id::varchar as payment_id,
    collections.kind_code::varchar as kind_code,
    collections.invoice_id::varchar as invoice_id,
    collections.deal_id::varchar as deal_id,
    collections.paid_date::date as paid_date,
    collections.currency_code::varchar as currency_code,
    collections.payment_amount::decimal(28, 10) as payment_amount,
    collections.reason_code::varchar as reason_code,
    reason_codes.description::varchar as reason_description,
    reason_codes.fix::varchar as fix
  from collections
  inner join reason_codes on collections.reason_code = reason_codes.reason_code
)

select * from final
