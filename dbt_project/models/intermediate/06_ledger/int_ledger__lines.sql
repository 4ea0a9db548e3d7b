-- Makes commission due: whole on the booking date, or as the customer pays; what is taken back of commission paid on booking
-- is a line too. Bonuses, floors and custom rewards are due on their own day.
-- Grain: one row per reward, beneficiary and event. Rule: docs/rules/payouts.md
with

lines as (
  select * from {{ ref('int_ledger__booking_lines') }}
  union all by name
  select * from {{ ref('int_ledger__collection_lines') }}
  union all by name
  select * from {{ ref('int_ledger__clawback_lines') }}
),

final as (
  select
    line_key::varchar as line_key,
    commission_key::varchar as commission_key,
    reward_id::varchar as reward_id,
    reward_kind_code::varchar as reward_kind_code,
    credit_id::varchar as credit_id,
    transaction_id::varchar as transaction_id,
    deal_transaction_id::varchar as deal_transaction_id,
    plan_id::varchar as plan_id,
    terms_date::date as terms_date,
    credited_payee_id::varchar as credited_payee_id,
    payee_id::varchar as payee_id,
    ({{ month_code('event_date') }})::varchar as period_code,
    event_code::varchar as event_code,
    event_date::date as event_date,
    event_order::integer as event_order,
    payment_id::varchar as payment_id,
    currency_code::varchar as currency_code,
    collected_ratio::decimal(28, 10) as collected_ratio,
    line_amount::decimal(18, 4) as line_amount
  from lines
)

select * from final
