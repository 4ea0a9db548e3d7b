-- Makes commission due: whole on the booking date, or as the customer pays. A payment's line is the commission
-- earned to date with it less the commission earned to date without it, so that parts add up to the cent; a
-- refund is a payment with the other sign. What is taken back of commission paid on booking is a line too.
-- Bonuses, floors and custom rewards are due on their own day.
-- Grain: one row per reward, beneficiary and event. Rule: docs/rules/payouts.md
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
  select * from {{ ref('int_pool__collections') }}
  where reason_code is null
),

clawbacks as (
  select * from {{ ref('int_ledger__clawbacks') }}
  where clawback_amount <> 0
),

payout_terms as (
  select * from {{ ref('int_parameters__payout_terms') }}
),

credited_payments as (
  select
    transaction_id,
    deal_transaction_id,
    deal_booked_date,
    payment_id,
    payment_kind_code
  from {{ ref('int_pool__transactions') }}
  where credit_event_code = 'collection'
),

timed as (
  select
    commissions.*,
    plan_versions.payout_event_code,
    currencies.minor_unit,
    credited_payments.payment_id as credited_payment_id,
    credited_payments.payment_kind_code,
    coalesce(credited_payments.deal_transaction_id, commissions.transaction_id) as deal_transaction_id,
    coalesce(credited_payments.deal_booked_date, commissions.reward_date) as terms_date
  from commissions
  inner join plan_versions
    on
      commissions.plan_id = plan_versions.plan_id
      and commissions.plan_valid_from = plan_versions.valid_from
  inner join currencies on commissions.currency_code = currencies.currency_code
  left join credited_payments on commissions.transaction_id = credited_payments.transaction_id
),

booking_lines as (
  select
    commission_key || '|' || coalesce(credited_payment_id, 'booking') as line_key,
    *,
    credited_payment_id as payment_id,
    case when reward_kind_code = 'credit' then coalesce(payment_kind_code, 'booking') else reward_kind_code end
      as event_code,
    reward_date as event_date,
    -1 as event_order,
    cast(null as decimal(28, 10)) as collected_ratio,
    commission_amount as line_amount
  from timed
  where
    payout_event_code = 'booking'
    or reward_kind_code <> 'credit'
    or credited_payment_id is not null
),

clawback_lines as (
  select
    clawbacks.line_key,
    timed.*,
    clawbacks.payment_id,
    case when clawbacks.lost_after_amount > clawbacks.lost_before_amount then 'clawback' else 'clawback_return' end
      as event_code,
    clawbacks.event_date,
    clawbacks.event_order,
    cast(null as decimal(28, 10)) as collected_ratio,
    clawbacks.clawback_amount as line_amount
  from timed
  inner join clawbacks on timed.commission_key = clawbacks.commission_key
),

collected as (
  select
    timed.*,
    collections.payment_id,
    collections.kind_code,
    collections.paid_date,
    collections.transaction_amount,
    collections.collected_before_amount,
    collections.collected_after_amount,
    collections.memo_before_amount,
    collections.memo_after_amount,
    collections.gross_collected_before_amount,
    collections.gross_collected_after_amount,
    collections.gross_memo_before_amount,
    collections.gross_memo_after_amount,
    payout_terms.collected_part_code,
    payout_terms.rebate_code,
    payout_terms.overpayment_code
  from timed
  inner join collections on timed.transaction_id = collections.transaction_id
  inner join payout_terms
    on
      timed.plan_id = payout_terms.plan_id
      and {{ in_force('timed.terms_date', 'payout_terms') }}
  where
    timed.payout_event_code = 'collection'
    and timed.reward_kind_code = 'credit'
),

counted as (
  select
    *,
    {{ counted('before') }} as counted_before_amount,
    {{ counted('after') }} as counted_after_amount
  from collected
  where {{ is_counted() }}
),

earned as (
  select
    *,
    {{ earned_at('counted_before_amount') }} as earned_before_amount,
    {{ earned_at('counted_after_amount') }} as earned_after_amount
  from counted
),

collection_lines as (
  select
    commission_key || '|' || payment_id as line_key,
    *,
    kind_code as event_code,
    paid_date as event_date,
    -1 as event_order,
    case
      when counted_after_amount = transaction_amount then cast(1 as decimal(28, 10))
      else {{ ratio('counted_after_amount', 'transaction_amount', 10, 10, 8) }}
    end as collected_ratio,
    {{ round_money('earned_after_amount', 'minor_unit', 10) }}
    - {{ round_money('earned_before_amount', 'minor_unit', 10) }} as line_amount
  from earned
),

united as (
  select
    line_key,
    commission_key,
    reward_id,
    reward_kind_code,
    credit_id,
    transaction_id,
    deal_transaction_id,
    plan_id,
    terms_date,
    credited_payee_id,
    payee_id,
    event_code,
    event_date,
    event_order,
    payment_id,
    currency_code,
    collected_ratio,
    line_amount
  from booking_lines
  union all
  select
    line_key,
    commission_key,
    reward_id,
    reward_kind_code,
    credit_id,
    transaction_id,
    deal_transaction_id,
    plan_id,
    terms_date,
    credited_payee_id,
    payee_id,
    event_code,
    event_date,
    event_order,
    payment_id,
    currency_code,
    collected_ratio,
    line_amount
  from collection_lines
  union all
  select
    line_key,
    commission_key,
    reward_id,
    reward_kind_code,
    credit_id,
    transaction_id,
    deal_transaction_id,
    plan_id,
    terms_date,
    credited_payee_id,
    payee_id,
    event_code,
    event_date,
    event_order,
    payment_id,
    currency_code,
    collected_ratio,
    line_amount
  from clawback_lines
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
  from united
)

select * from final
