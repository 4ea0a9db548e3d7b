-- Follows what a deal that was paid on booking loses afterwards: refunds and credit memos, what is not paid in time, and
-- cancellation; each change of the loss with its weight, and what is taken with it since the loss was last nothing. Stands
-- here, before the ledger that takes it back, because the policy recalculate takes it off the deal's value.
-- Grain: one row per deal, plan and change of the loss. Rule: docs/rules/payouts.md
with

loss_events as (
  select * from {{ ref('int_valuation__loss_events') }}
),

events_to_date as (
  select
    *,
    coalesce(last_value(collected_amount ignore nulls) over so_far, 0) as collected_to_date,
    coalesce(last_value(refunded_amount ignore nulls) over so_far, 0) as refunded_to_date,
    coalesce(last_value(memo_amount ignore nulls) over so_far, 0) as memo_to_date,
    bool_or(cause_code = 'unpaid') over so_far as is_overdue,
    bool_or(cause_code = 'cancelled') over so_far as is_cancelled
  from loss_events
  window so_far as (
    partition by plan_id, transaction_id
    order by event_date, event_order, paid_date, event_id
    rows between unbounded preceding and current row
  )
),

events_with_returned as (
  select
    *,
    least(refunded_to_date, greatest(whole_amount - collected_to_date, 0)) + memo_to_date as returned_amount
  from events_to_date
),

events_with_loss as (
  select
    *,
    case
      when is_cancelled then whole_amount
      when is_overdue then least(greatest(returned_amount, whole_amount - collected_to_date, 0), whole_amount)
      else least(greatest(returned_amount, 0), whole_amount)
    end::decimal(28, 10) as lost_after_amount
  from events_with_returned
),

events_with_change as (
  select
    *,
    coalesce(lag(lost_after_amount) over (
      partition by plan_id, transaction_id
      order by event_date, event_order, paid_date, event_id
    ), 0)::decimal(28, 10) as lost_before_amount
  from events_with_loss
),

changes as (
  select
    *,
    lost_after_amount - lost_before_amount as changed_amount,
    cast(event_date - booked_date as integer) as elapsed_days
  from events_with_change
  where lost_after_amount <> lost_before_amount
),

weighed_changes as (
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

rounds_of_changes as (
  select
    *,
    last_value(rise_weight ignore nulls) over so_far as weight_numerator,
    row_number() over so_far as change_number,
    row_number() over (
      partition by plan_id, transaction_id
      order by event_date desc, event_order desc, paid_date desc, event_id desc
    ) = 1 as is_latest
  from weighed_changes
  window so_far as (
    partition by plan_id, transaction_id
    order by event_date, event_order, paid_date, event_id
    rows between unbounded preceding and current row
  )
),

accumulated_changes as (
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
  from rounds_of_changes
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
    change_number::integer as event_order,
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
  from accumulated_changes
)

select * from final
