-- Says from where to where on its deal a payment counts that a plan credits: the running total collected before and with it.
-- Grain: one row per eligible payment and plan. Rule: docs/rules/payouts.md
with

eligible as (
  select * from {{ ref('int_filtering__eligible') }}
),

transactions as (
  select * from {{ ref('int_pool__transaction_versions') }}
  where credit_event_code = 'collection'
),

collections as (
  select * from {{ ref('int_pool__collections') }}
),

payout_terms as (
  select * from {{ ref('int_parameters__payout_terms') }}
),

collected as (
  select
    eligible.plan_id,
    eligible.transaction_id,
    transactions.deal_amount,
    payout_terms.collected_part_code,
    payout_terms.rebate_code,
    payout_terms.overpayment_code,
    collections.collected_before_amount,
    collections.collected_after_amount,
    collections.memo_before_amount,
    collections.memo_after_amount,
    collections.gross_collected_before_amount,
    collections.gross_collected_after_amount,
    collections.gross_memo_before_amount,
    collections.gross_memo_after_amount,
    collections.transaction_amount
  from eligible
  inner join transactions
    on
      eligible.transaction_id = transactions.transaction_id
      and eligible.version_code = transactions.version_code
  inner join collections
    on
      transactions.payment_id = collections.payment_id
      and transactions.version_code = collections.version_code
  inner join payout_terms
    on
      eligible.plan_id = payout_terms.plan_id
      and {{ in_force('coalesce(transactions.deal_booked_date, eligible.booked_date)', 'payout_terms') }}
),

final as (
  select
    plan_id::varchar as plan_id,
    transaction_id::varchar as transaction_id,
    {{ counted('before') }} as counted_before_amount,
    {{ counted('after') }} as counted_after_amount,
    deal_amount::decimal(28, 10) as deal_amount
  from collected
)

select * from final
