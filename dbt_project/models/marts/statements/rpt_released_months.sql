-- Says which figures of each plan's month may be shown to payees: its credits once they are released, its rewards once
-- they are. A month that changed after its release is a draft again. In a closed month nothing is held back, also of
-- plans without a line in it.
-- Grain: one row per plan and month. Rule: docs/statements.md
with

calculations as (
  select * from {{ ref('fct_calculations') }}
),

closings as (
  select * from {{ ref('stg_books__closings') }}
),

plans as (
  select distinct plan_id
  from {{ ref('plans') }}
),

closed_without_lines as (
  select
    plans.plan_id,
    closings.period_code,
    'paid' as state_code,
    false as is_stale,
    0 as line_count,
    0 as approvals_needed,
    0 as approvals_given,
    null as next_role_code
  from closings
  cross join plans
  left join calculations
    on
      plans.plan_id = calculations.plan_id
      and closings.period_code = calculations.period_code
  where calculations.plan_id is null
),

united as (
  select
    plan_id,
    period_code,
    state_code,
    is_stale,
    line_count,
    approvals_needed,
    approvals_given,
    case when state_code = 'rewards_released' then next_role_code end as next_role_code
  from calculations
  union all
  select * from closed_without_lines
),

final as (
  select
    (plan_id || '|' || period_code)::varchar as calculation_id,
    period_code::varchar as period_code,
    plan_id::varchar as plan_id,
    {{ first_of_month('period_code') }}::date as period_from,
    cast({{ dbt.dateadd('month', 1, first_of_month('period_code')) }} as date)::date as period_to,
    state_code::varchar as state_code,
    (state_code in ('credits_released', 'rewards_released', 'approved', 'paid'))::boolean as is_credits_released,
    (state_code in ('rewards_released', 'approved', 'paid'))::boolean as is_rewards_released,
    is_stale::boolean as is_stale,
    line_count::bigint as line_count,
    approvals_needed::integer as approvals_needed,
    approvals_given::integer as approvals_given,
    next_role_code::varchar as next_role_code
  from united
)

select * from final
