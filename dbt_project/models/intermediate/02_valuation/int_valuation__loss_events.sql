-- Lists what can change the loss of a deal that was paid on booking: its payments, refunds and credit memos, the day on
-- which it should have been paid, its cancellation. Amounts are those to date, signed as the deal's, so that a negative deal
-- is the mirror of a positive one.
-- Grain: one row per deal, plan and event. Rule: docs/rules/payouts.md
with

eligible as (
  select * from {{ ref('int_filtering__eligible') }}
),

transactions as (
  select * from {{ ref('int_pool__transaction_versions') }}
  where
    credit_event_code = 'booking'
    and transaction_amount <> 0
),

plan_versions as (
  select * from {{ ref('plans') }}
  where payout_event_code = 'booking'
),

payout_terms as (
  select * from {{ ref('int_parameters__payout_terms') }}
),

cancellations as (
  select * from {{ ref('int_valuation__cancellations') }}
),

collections as (
  select * from {{ ref('int_pool__collections') }}
  where reason_code is null
),

returning_deals as (
  select distinct
    transaction_id,
    version_code
  from collections
  where kind_code in ('refund', 'credit_memo')
),

deals as (
  select
    eligible.plan_id,
    eligible.plan_valid_from,
    eligible.transaction_id,
    eligible.version_code,
    eligible.booked_date,
    abs(transactions.transaction_amount) as whole_amount,
    sign(transactions.transaction_amount) as deal_sign,
    payout_terms.clawback_policy_code as policy_code,
    payout_terms.clawback_proration_code as proration_code,
    payout_terms.clawback_window_days as window_days,
    {{ add_days('eligible.booked_date', 'payout_terms.unpaid_after_days') }} as unpaid_date,
    cancellations.cancelled_date
  from eligible
  inner join transactions
    on
      eligible.transaction_id = transactions.transaction_id
      and eligible.version_code = transactions.version_code
  inner join plan_versions
    on
      eligible.plan_id = plan_versions.plan_id
      and eligible.plan_valid_from = plan_versions.valid_from
  inner join payout_terms
    on
      eligible.plan_id = payout_terms.plan_id
      and {{ in_force('eligible.booked_date', 'payout_terms') }}
  left join cancellations
    on
      eligible.plan_id = cancellations.plan_id
      and eligible.transaction_id = cancellations.transaction_id
  left join returning_deals
    on
      eligible.transaction_id = returning_deals.transaction_id
      and eligible.version_code = returning_deals.version_code
  where
    returning_deals.transaction_id is not null
    or payout_terms.unpaid_after_days is not null
    or cancellations.transaction_id is not null
),

deal_events as (
  select
    deals.*,
    collections.payment_id as event_id,
    collections.payment_id,
    collections.kind_code as cause_code,
    greatest(collections.paid_date, deals.booked_date) as event_date,
    -1 as event_order,
    collections.paid_date,
    deals.deal_sign * collections.collected_after_amount as collected_amount,
    -deals.deal_sign * collections.refunded_after_amount as refunded_amount,
    -deals.deal_sign * collections.memo_after_amount as memo_amount
  from deals
  inner join collections
    on
      deals.transaction_id = collections.transaction_id
      and deals.version_code = collections.version_code
  union all by name
  select
    *,
    'unpaid' as event_id,
    'unpaid' as cause_code,
    unpaid_date as event_date,
    0 as event_order
  from deals
  where unpaid_date <= {{ as_of_date() }}
  union all by name
  select
    *,
    'cancelled' as event_id,
    'cancelled' as cause_code,
    cancelled_date as event_date,
    1 as event_order
  from deals
  where cancelled_date is not null
),

final as (
  select
    plan_id::varchar as plan_id,
    plan_valid_from::date as plan_valid_from,
    transaction_id::varchar as transaction_id,
    event_id::varchar as event_id,
    payment_id::varchar as payment_id,
    cause_code::varchar as cause_code,
    booked_date::date as booked_date,
    event_date::date as event_date,
    event_order::integer as event_order,
    paid_date::date as paid_date,
    policy_code::varchar as policy_code,
    proration_code::varchar as proration_code,
    window_days::integer as window_days,
    whole_amount::decimal(28, 10) as whole_amount,
    collected_amount::decimal(28, 10) as collected_amount,
    refunded_amount::decimal(28, 10) as refunded_amount,
    memo_amount::decimal(28, 10) as memo_amount
  from deal_events
)

select * from final
