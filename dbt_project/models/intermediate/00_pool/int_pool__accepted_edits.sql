-- Says until when the edits of a deal after its close are accepted: the latest request that another person has approved.
-- Grain: one row per deal with accepted edits. Rule: docs/rules/valuation.md
with

actions as (
  select * from {{ ref('stg_books__edit_actions') }}
),

decisions as (
  select
    actions.reference_number,
    min_by(actions.action_code, actions.action_number) as decision_code
  from actions
  inner join actions as requests
    on
      actions.reference_number = requests.action_number
      and actions.actor <> requests.actor
  where
    requests.action_code = 'accept_edits'
    and actions.action_code in ('approve_edits', 'reject_edits')
  group by actions.reference_number
),

final as (
  select
    actions.transaction_id::varchar as transaction_id,
    max(actions.acted_at)::timestamp as accepted_until
  from actions
  inner join decisions on actions.action_number = decisions.reference_number
  where decisions.decision_code = 'approve_edits'
  group by actions.transaction_id
)

select * from final
