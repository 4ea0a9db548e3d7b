-- Shows how far each plan's month has come: draft, credits released, rewards released, approved, paid (closed). A release
-- or an approval holds for the lines it was given for; when they change, the month is a draft again and is marked stale.
-- Grain: one row per plan and posted period.
with

ledger_lines as (
  select * from {{ ref('fct_ledger_lines') }}
),

closings as (
  select * from {{ ref('stg_books__closings') }}
),

actions as (
  select * from {{ ref('stg_books__actions') }}
),

approval_steps as (
  select * from {{ ref('approval_steps') }}
),

calculations as (
  select
    ledger_lines.plan_id,
    ledger_lines.posted_period_code as period_code,
    count(*) as line_count,
    md5(string_agg(
      ledger_lines.ledger_line_key || '|' || ledger_lines.currency_code || '|' || cast(ledger_lines.line_amount as varchar),
      '|' order by ledger_lines.ledger_line_key
    )) as lines_fingerprint
  from ledger_lines
  group by ledger_lines.plan_id, ledger_lines.posted_period_code
),

withdrawals as (
  select
    plan_id,
    period_code,
    max(action_number) as action_number
  from actions
  where action_code = 'withdraw'
  group by plan_id, period_code
),

standing_actions as (
  select actions.*
  from actions
  left join withdrawals
    on
      actions.plan_id = withdrawals.plan_id
      and actions.period_code = withdrawals.period_code
  where
    actions.action_code in ('release_credits', 'release_rewards', 'approve')
    and actions.action_number > coalesce(withdrawals.action_number, 0)
),

released as (
  select
    calculations.plan_id,
    calculations.period_code,
    coalesce(bool_or(
      standing_actions.action_code = 'release_credits'
      and standing_actions.lines_fingerprint = calculations.lines_fingerprint
    ), false) as is_credits_released,
    coalesce(bool_or(
      standing_actions.action_code = 'release_rewards'
      and standing_actions.lines_fingerprint = calculations.lines_fingerprint
    ), false) as is_rewards_released,
    coalesce(bool_or(standing_actions.lines_fingerprint <> calculations.lines_fingerprint), false) as is_changed
  from calculations
  left join standing_actions
    on
      calculations.plan_id = standing_actions.plan_id
      and calculations.period_code = standing_actions.period_code
  group by calculations.plan_id, calculations.period_code
),

plans_with_own_steps as (
  select distinct plan_id
  from approval_steps
  where plan_id is not null
),

steps as (
  select
    calculations.plan_id,
    calculations.period_code,
    approval_steps.step_number,
    approval_steps.role_code,
    min(standing_actions.action_number) as action_number
  from calculations
  left join plans_with_own_steps on calculations.plan_id = plans_with_own_steps.plan_id
  inner join approval_steps
    on
      calculations.plan_id = approval_steps.plan_id
      or (
        approval_steps.plan_id is null
        and plans_with_own_steps.plan_id is null
      )
  left join standing_actions
    on
      calculations.plan_id = standing_actions.plan_id
      and calculations.period_code = standing_actions.period_code
      and calculations.lines_fingerprint = standing_actions.lines_fingerprint
      and approval_steps.role_code = standing_actions.role_code
      and standing_actions.action_code = 'approve'
  group by calculations.plan_id, calculations.period_code, approval_steps.step_number, approval_steps.role_code
),

ordered_steps as (
  select
    *,
    bool_and(action_number is not null) over (
      partition by plan_id, period_code
      order by step_number
      rows between unbounded preceding and current row
    ) as is_given
  from steps
),

approvals as (
  select
    plan_id,
    period_code,
    count(*) as approvals_needed,
    count(*) filter (where is_given) as approvals_given,
    min_by(role_code, step_number) filter (where not is_given) as next_role_code
  from ordered_steps
  group by plan_id, period_code
),

judged as (
  select
    calculations.*,
    coalesce(approvals.approvals_needed, 0) as approvals_needed,
    coalesce(approvals.approvals_given, 0) as approvals_given,
    approvals.next_role_code,
    released.is_changed and not released.is_rewards_released as is_overtaken,
    case
      when closings.period_code is not null then 'paid'
      when not released.is_credits_released then 'draft'
      when not released.is_rewards_released then 'credits_released'
      when coalesce(approvals.approvals_needed, 0) > coalesce(approvals.approvals_given, 0) then 'rewards_released'
      else 'approved'
    end as state_code
  from calculations
  inner join released
    on
      calculations.plan_id = released.plan_id
      and calculations.period_code = released.period_code
  left join approvals
    on
      calculations.plan_id = approvals.plan_id
      and calculations.period_code = approvals.period_code
  left join closings on calculations.period_code = closings.period_code
),

final as (
  select
    (plan_id || '|' || period_code)::varchar as calculation_id,
    period_code::varchar as period_code,
    plan_id::varchar as plan_id,
    state_code::varchar as state_code,
    lines_fingerprint::varchar as lines_fingerprint,
    line_count::bigint as line_count,
    (is_overtaken and state_code <> 'paid')::boolean as is_stale,
    approvals_needed::integer as approvals_needed,
    approvals_given::integer as approvals_given,
    next_role_code::varchar as next_role_code
  from judged
)

select * from final
