-- Makes commission due: whole on the booking date, or as the customer pays. A payment's line is the commission
-- earned to date with it less the commission earned to date without it, so that parts add up to the cent; a
-- refund is a payment with the other sign. More than the deal's amount earns no more than its commission.
-- Bonuses, floors and custom rewards are due on their own day.
-- Grain: one row a reward, beneficiary and event. Rule: docs/rules/ledger.md
with

commissions as (
  select * from {{ ref('int_rewards__commissions') }}
),

plan_versions as (
  select * from {{ ref('plans') }}
),

currencies as (
  select * from {{ ref('currencies') }}
),

collections as (
  select * from {{ ref('int_ledger__collections') }}
  where reason_code is null
),

timed as (
  select
    commissions.*,
    plan_versions.payout_event_code,
    currencies.minor_unit
  from commissions
  inner join plan_versions
    on
      commissions.plan_id = plan_versions.plan_id
      and commissions.plan_valid_from = plan_versions.valid_from
  inner join currencies on commissions.currency_code = currencies.currency_code
),

booking_lines as (
  select
    commission_key || '|booking' as line_key,
    *,
    case when reward_kind_code = 'credit' then 'booking' else reward_kind_code end as event_code,
    reward_date as event_date,
    null as payment_id,
    cast(null as decimal(28, 10)) as collected_ratio,
    commission_amount as line_amount
  from timed
  where
    payout_event_code = 'booking'
    or reward_kind_code <> 'credit'
),

collected as (
  select
    timed.*,
    collections.payment_id,
    collections.kind_code,
    collections.paid_date,
    collections.transaction_amount,
    case
      when collections.transaction_amount > 0
        then least(greatest(collections.collected_before_amount, 0), collections.transaction_amount)
      else greatest(least(collections.collected_before_amount, 0), collections.transaction_amount)
    end::decimal(28, 10) as capped_before_amount,
    case
      when collections.transaction_amount > 0
        then least(greatest(collections.collected_after_amount, 0), collections.transaction_amount)
      else greatest(least(collections.collected_after_amount, 0), collections.transaction_amount)
    end::decimal(28, 10) as capped_after_amount
  from timed
  inner join collections on timed.transaction_id = collections.transaction_id
  where
    timed.payout_event_code = 'collection'
    and timed.reward_kind_code = 'credit'
),

earned as (
  select
    *,
    {{ earned_at('capped_before_amount') }} as earned_before_amount,
    {{ earned_at('capped_after_amount') }} as earned_after_amount
  from collected
),

collection_lines as (
  select
    commission_key || '|' || payment_id as line_key,
    *,
    kind_code as event_code,
    paid_date as event_date,
    case
      when capped_after_amount = transaction_amount then cast(1 as decimal(28, 10))
      else {{ ratio('capped_after_amount', 'transaction_amount', 10, 10, 8) }}
    end as collected_ratio,
    {{ round_money('earned_after_amount', 'minor_unit', 10) }}
    - {{ round_money('earned_before_amount', 'minor_unit', 10) }} as line_amount
  from earned
),

united as (
  select
    line_key,
    reward_id,
    reward_kind_code,
    credit_id,
    transaction_id,
    plan_id,
    credited_payee_id,
    payee_id,
    event_code,
    event_date,
    payment_id,
    currency_code,
    collected_ratio,
    line_amount
  from booking_lines
  union all
  select
    line_key,
    reward_id,
    reward_kind_code,
    credit_id,
    transaction_id,
    plan_id,
    credited_payee_id,
    payee_id,
    event_code,
    event_date,
    payment_id,
    currency_code,
    collected_ratio,
    line_amount
  from collection_lines
),

final as (
  select
    line_key::varchar as line_key,
    reward_id::varchar as reward_id,
    reward_kind_code::varchar as reward_kind_code,
    credit_id::varchar as credit_id,
    transaction_id::varchar as transaction_id,
    plan_id::varchar as plan_id,
    credited_payee_id::varchar as credited_payee_id,
    payee_id::varchar as payee_id,
    ({{ month_code('event_date') }})::varchar as period_code,
    event_code::varchar as event_code,
    event_date::date as event_date,
    payment_id::varchar as payment_id,
    currency_code::varchar as currency_code,
    collected_ratio::decimal(28, 10) as collected_ratio,
    line_amount::decimal(18, 4) as line_amount
  from united
)

select * from final
