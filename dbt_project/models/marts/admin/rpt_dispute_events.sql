-- Lists what was done with each dispute: filed, answered, then accepted, rejected or withdrawn, with the state before and
-- after. What comes after a decision is no event, nor is an answer or a decision of the person who filed.
-- Grain: one row per event of a dispute. Rule: docs/closing.md
with

actions as (
  select * from {{ ref('stg_books__actions') }}
  where starts_with(action_code, 'dispute_')
),

filings as (
  select * from actions
  where action_code = 'dispute_filed'
),

united as (
  select
    action_number as dispute_number,
    *
  from filings
  union all
  select
    filings.action_number as dispute_number,
    actions.*
  from actions
  inner join filings on actions.reference_number = filings.action_number
  where
    actions.action_code = 'dispute_withdrawn'
    or (
      actions.action_code in ('dispute_answered', 'dispute_accepted', 'dispute_rejected')
      and actions.actor <> filings.actor
    )
),

marked as (
  select
    *,
    action_code in ('dispute_accepted', 'dispute_rejected', 'dispute_withdrawn') as is_decision
  from united
),

standing as (
  select * from marked
  qualify coalesce(
    bool_or(is_decision) over (
      partition by dispute_number order by action_number rows between unbounded preceding and 1 preceding
    ), false
  ) = false
),

final as (
  select
    action_number::bigint as action_number,
    dispute_number::bigint as dispute_number,
    (row_number() over (partition by dispute_number order by action_number))::integer as event_number,
    action_code::varchar as action_code,
    acted_at::timestamp as acted_at,
    actor::varchar as actor,
    role_code::varchar as role_code,
    (
      lag(replace(action_code, 'dispute_', '')) over (partition by dispute_number order by action_number)
    )::varchar as previous_state_code,
    (replace(action_code, 'dispute_', ''))::varchar as state_code,
    is_decision::boolean as is_decision,
    reason::varchar as reason,
    adjustment_number::bigint as adjustment_number,
    action_hash::varchar as action_hash
  from standing
)

select * from final
