-- Follows what a deal that was paid on booking loses afterwards: refunds and credit memos, what is not paid in time, and
-- cancellation; each change of the loss with its weight, and what is taken with it since the loss was last nothing.
-- Amounts are signed as the deal's, so that a negative deal is the mirror of a positive one.
-- Grain: one row per deal, plan and change of the loss. Rule: docs/rules/payouts.md
with

eligible as (
  select * from {{ ref('int_filtering__eligible') }}
),

transactions as (
  select * from {{ ref('int_pool__transactions') }}
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
  select distinct transaction_id
  from collections
  where kind_code in ('refund', 'credit_memo')
),

deals as (
  select
    eligible.plan_id,
    eligible.plan_valid_from,
    eligible.transaction_id,
    eligible.booked_date,
    abs(transactions.transaction_amount) as whole_amount,
    sign(transactions.transaction_amount) as deal_sign,
    payout_terms.clawback_policy_code as policy_code,
    payout_terms.clawback_proration_code as proration_code,
    payout_terms.clawback_window_days as window_days,
    {{ add_days('eligible.booked_date', 'payout_terms.unpaid_after_days') }} as unpaid_date,
    cancellations.cancelled_date
  from eligible
  inner join transactions on eligible.transaction_id = transactions.transaction_id
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
  left join returning_deals on eligible.transaction_id = returning_deals.transaction_id
  where
    returning_deals.transaction_id is not null
    or payout_terms.unpaid_after_days is not null
    or cancellations.transaction_id is not null
),

events as (
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
  inner join collections on deals.transaction_id = collections.transaction_id
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

followed as (
  select
    *,
    coalesce(last_value(collected_amount ignore nulls) over so_far, 0) as collected_to_date,
    coalesce(last_value(refunded_amount ignore nulls) over so_far, 0) as refunded_to_date,
    coalesce(last_value(memo_amount ignore nulls) over so_far, 0) as memo_to_date,
    bool_or(cause_code = 'unpaid') over so_far as is_overdue,
    bool_or(cause_code = 'cancelled') over so_far as is_cancelled
  from events
  window so_far as (
    partition by plan_id, transaction_id
    order by event_date, event_order, paid_date, event_id
    rows between unbounded preceding and current row
  )
),

returned as (
  select
    *,
    least(refunded_to_date, greatest(whole_amount - collected_to_date, 0)) + memo_to_date as returned_amount
  from followed
),

lost as (
  select
    *,
    case
      when is_cancelled then whole_amount
      when is_overdue then least(greatest(returned_amount, whole_amount - collected_to_date, 0), whole_amount)
      else least(greatest(returned_amount, 0), whole_amount)
    end::decimal(28, 10) as lost_after_amount
  from returned
),

differenced as (
  select
    *,
    coalesce(lag(lost_after_amount) over (
      partition by plan_id, transaction_id
      order by event_date, event_order, paid_date, event_id
    ), 0)::decimal(28, 10) as lost_before_amount
  from lost
),

changes as (
  select
    *,
    lost_after_amount - lost_before_amount as changed_amount,
    cast(event_date - booked_date as integer) as elapsed_days
  from differenced
  where lost_after_amount <> lost_before_amount
),

weighed as (
  select
    *,
    greatest(coalesce(window_days, 1), 1) as weight_denominator,
    case
      when changed_amount < 0 then null
      when window_days is null then 1
      when elapsed_days >= window_days then 0
      when proration_code = 'straight_line' then window_days - elapsed_days
      else window_days
    end as rise_weight,
    coalesce(sum(case when lost_after_amount = 0 then 1 else 0 end) over (
      partition by plan_id, transaction_id
      order by event_date, event_order, paid_date, event_id
      rows between unbounded preceding and 1 preceding
    ), 0) as round_number
  from changes
),

taken as (
  select
    *,
    last_value(rise_weight ignore nulls) over so_far as weight_numerator,
    row_number() over (
      partition by plan_id, transaction_id
      order by event_date desc, event_order desc, paid_date desc, event_id desc
    ) = 1 as is_latest
  from weighed
  window so_far as (
    partition by plan_id, transaction_id
    order by event_date, event_order, paid_date, event_id
    rows between unbounded preceding and current row
  )
),

accumulated as (
  select
    *,
    case
      when lost_after_amount = 0 then 0
      else sum(cast(changed_amount as decimal(38, 10)) * cast(weight_numerator as decimal(8, 0))) over (
        partition by plan_id, transaction_id, round_number
        order by event_date, event_order, paid_date, event_id
        rows between unbounded preceding and current row
      )
    end::decimal(38, 10) as taken_after_amount
  from taken
),

final as (
  select
    (plan_id || '|' || transaction_id || '|' || event_id)::varchar as loss_key,
    plan_id::varchar as plan_id,
    plan_valid_from::date as plan_valid_from,
    transaction_id::varchar as transaction_id,
    event_id::varchar as event_id,
    payment_id::varchar as payment_id,
    cause_code::varchar as cause_code,
    event_date::date as event_date,
    event_order::integer as event_order,
    policy_code::varchar as policy_code,
    elapsed_days::integer as elapsed_days,
    lost_before_amount::decimal(28, 10) as lost_before_amount,
    lost_after_amount::decimal(28, 10) as lost_after_amount,
    weight_numerator::integer as weight_numerator,
    weight_denominator::integer as weight_denominator,
    (cast(whole_amount as decimal(28, 10)) * cast(weight_denominator as decimal(8, 0)))::decimal(28, 10) as whole_amount,
    coalesce(lag(taken_after_amount) over (
      partition by plan_id, transaction_id
      order by event_date, event_order, paid_date, event_id
    ), 0)::decimal(28, 10) as taken_before_amount,
    taken_after_amount::decimal(28, 10) as taken_after_amount,
    (
      cast(whole_amount as decimal(28, 10)) * cast(weight_denominator as decimal(8, 0)) - taken_after_amount
    )::decimal(28, 10) as kept_amount,
    is_latest::boolean as is_latest
  from accumulated
)

select * from final
