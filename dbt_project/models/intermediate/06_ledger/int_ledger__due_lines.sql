-- Moves what lies in a manual hold to the first day that no hold covers, and says what is due by the as-of date. What a
-- closed month has paid is due: it is not held again.
-- Grain: one row per line and part. Rule: docs/rules/payouts.md
with

parts as (
  select * from {{ ref('int_ledger__parts') }}
),

holds as (
  select * from {{ ref('holds') }}
),

posted as (
  select * from {{ ref('int_ledger__posted') }}
),

matching_holds as (
  select
    parts.part_key,
    parts.scheduled_date,
    holds.hold_id,
    holds.held_from,
    holds.held_to,
    holds.reason
  from parts
  inner join holds
    on
      (holds.plan_id is null or parts.plan_id = holds.plan_id)
      and (holds.payee_id is null or parts.payee_id = holds.payee_id)
      and (
        holds.transaction_id is null
        or parts.transaction_id = holds.transaction_id
        or parts.deal_transaction_id = holds.transaction_id
      )
      and (holds.held_to is null or parts.scheduled_date < holds.held_to)
),

possible_days as (
  select
    part_key,
    scheduled_date as due_date
  from matching_holds
  union
  select
    part_key,
    held_to as due_date
  from matching_holds
  where held_to is not null
),

free_days as (
  select
    possible_days.part_key,
    min(possible_days.due_date) as due_date
  from possible_days
  left join matching_holds
    on
      possible_days.part_key = matching_holds.part_key
      and {{ in_force('possible_days.due_date', 'matching_holds', 'held_from', 'held_to') }}
  where matching_holds.part_key is null
  group by possible_days.part_key
),

holding as (
  select
    matching_holds.part_key,
    min(matching_holds.hold_id) as hold_id,
    min_by(matching_holds.reason, matching_holds.hold_id) as hold_reason
  from matching_holds
  where {{ in_force('matching_holds.scheduled_date', 'matching_holds', 'held_from', 'held_to') }}
  group by matching_holds.part_key
),

held_parts as (
  select distinct part_key
  from matching_holds
),

dated as (
  select
    parts.*,
    case when held_parts.part_key is null then parts.scheduled_date else free_days.due_date end as due_date,
    holding.hold_id,
    holding.hold_reason,
    coalesce(posted.posted_amount, 0) <> 0 as is_posted
  from parts
  left join held_parts on parts.part_key = held_parts.part_key
  left join free_days on parts.part_key = free_days.part_key
  left join holding on parts.part_key = holding.part_key
  left join posted on parts.part_key = posted.line_key
),

final as (
  select
    part_key::varchar as part_key,
    line_key::varchar as line_key,
    part_code::varchar as part_code,
    plan_id::varchar as plan_id,
    payee_id::varchar as payee_id,
    transaction_id::varchar as transaction_id,
    event_date::date as event_date,
    due_date::date as due_date,
    currency_code::varchar as currency_code,
    part_amount::decimal(18, 4) as part_amount,
    hold_id::varchar as hold_id,
    hold_reason::varchar as hold_reason,
    (is_posted or coalesce(due_date <= {{ as_of_date() }}, false))::boolean as is_due
  from dated
)

select * from final
