-- Follows each manual adjustment: requested, then approved or rejected by another person, and perhaps reversed by
-- another.
-- Grain: one row per adjustment. Rule: docs/rules/ledger.md
with

actions as (
  select * from {{ ref('stg_books__actions') }}
),

decisions as (
  select
    actions.reference_number,
    min_by(actions.action_code, actions.action_number) as decision_code,
    min_by(actions.actor, actions.action_number) as decided_by
  from actions
  inner join actions as requests
    on
      actions.reference_number = requests.action_number
      and actions.actor <> requests.actor
  where actions.action_code in ('approve_adjustment', 'reject_adjustment')
  group by actions.reference_number
),

reversals as (
  select
    actions.reference_number,
    min(actions.action_number) as reversal_number
  from actions
  inner join decisions
    on
      actions.action_number = decisions.reference_number
      and decisions.decision_code = 'approve_adjustment'
  where
    actions.action_code = 'adjust'
    and actions.reference_number is not null
  group by actions.reference_number
),

final as (
  select
    actions.action_number::bigint as adjustment_number,
    actions.period_code::varchar as period_code,
    actions.plan_id::varchar as plan_id,
    actions.payee_id::varchar as payee_id,
    actions.currency_code::varchar as currency_code,
    actions.amount::decimal(18, 4) as adjustment_amount,
    actions.reason::varchar as reason,
    actions.actor::varchar as requested_by,
    decisions.decided_by::varchar as decided_by,
    actions.reference_number::bigint as reversed_number,
    (
      case
        when decisions.decision_code is null then 'pending'
        when decisions.decision_code = 'reject_adjustment' then 'rejected'
        when reversals.reversal_number is not null then 'reversed'
        else 'approved'
      end
    )::varchar as state_code
  from actions
  left join decisions on actions.action_number = decisions.reference_number
  left join reversals on actions.action_number = reversals.reference_number
  where actions.action_code = 'adjust'
)

select * from final
