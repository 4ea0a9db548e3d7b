-- Lists the days on which a window's numbers are read: its parameters date; and for a quota or incentive that counts by
-- days on the plan, the first day of each stretch in which the payee is on the plan and there and no variable changes.
-- Grain: one row per window and day.
with

participants as (
  select * from {{ ref('int_attainment__participants') }}
),

plan_versions as (
  select * from {{ ref('plans') }}
),

stretches as (
  select * from {{ ref('int_parameters__plan_days') }}
),

formula_variables as (
  select * from {{ ref('int_attainment__formula_variables') }}
  where is_of_version
),

variables as (
  select * from {{ ref('variables') }}
),

memberships as (
  select * from {{ ref('int_parameters__team_memberships') }}
),

prorated as (
  select
    participants.window_key,
    participants.plan_id,
    participants.plan_valid_from,
    participants.payee_id,
    participants.window_to,
    greatest(participants.window_from, stretches.valid_from) as stretch_from,
    {{ earlier_end('participants.window_to', 'stretches.valid_to') }} as stretch_to
  from participants
  inner join plan_versions
    on
      participants.plan_id = plan_versions.plan_id
      and participants.plan_valid_from = plan_versions.valid_from
  inner join stretches
    on
      participants.plan_id = stretches.plan_id
      and participants.payee_id = stretches.payee_id
      and participants.is_there = stretches.is_there
      and (participants.window_to is null or stretches.valid_from < participants.window_to)
      and (stretches.valid_to is null or participants.window_from < stretches.valid_to)
  where
    (plan_versions.quota_proration_code = 'days_on_plan' or plan_versions.incentive_proration_code = 'days_on_plan')
    and participants.calendar_id not in ('transaction', 'life')
),

team_plans as (
  select distinct formula_variables.plan_id
  from formula_variables
  inner join variables
    on
      formula_variables.variable_name = variables.variable_name
      and variables.scope_code = 'team'
),

change_days as (
  select
    formula_variables.plan_id,
    cast(null as varchar) as payee_id,
    variables.valid_from as change_day
  from formula_variables
  inner join variables on formula_variables.variable_name = variables.variable_name
  union
  select
    formula_variables.plan_id,
    cast(null as varchar) as payee_id,
    variables.valid_to as change_day
  from formula_variables
  inner join variables on formula_variables.variable_name = variables.variable_name
  where variables.valid_to is not null
  union
  select
    team_plans.plan_id,
    memberships.payee_id,
    memberships.valid_from as change_day
  from team_plans
  cross join memberships
  union
  select
    team_plans.plan_id,
    memberships.payee_id,
    memberships.valid_to as change_day
  from team_plans
  cross join memberships
  where memberships.valid_to is not null
),

stretch_days as (
  select
    window_key,
    plan_id,
    plan_valid_from,
    payee_id,
    stretch_from,
    stretch_to,
    stretch_from as number_date
  from prorated
  union
  select
    prorated.window_key,
    prorated.plan_id,
    prorated.plan_valid_from,
    prorated.payee_id,
    prorated.stretch_from,
    prorated.stretch_to,
    change_days.change_day as number_date
  from prorated
  inner join change_days
    on
      prorated.plan_id = change_days.plan_id
      and (change_days.payee_id is null or prorated.payee_id = change_days.payee_id)
      and change_days.change_day > prorated.stretch_from
      and change_days.change_day < prorated.stretch_to
),

measured as (
  select
    *,
    coalesce(lead(number_date) over (partition by window_key, stretch_from order by number_date), stretch_to)
      as next_date
  from stretch_days
),

united as (
  select
    window_key,
    plan_id,
    plan_valid_from,
    payee_id,
    parameters_date as number_date,
    true as is_parameters_date,
    0 as day_count
  from participants
  union all
  select
    window_key,
    plan_id,
    plan_valid_from,
    payee_id,
    number_date,
    false as is_parameters_date,
    {{ dbt.datediff('number_date', 'next_date', 'day') }} as day_count
  from measured
),

final as (
  select
    window_key::varchar as window_key,
    plan_id::varchar as plan_id,
    plan_valid_from::date as plan_valid_from,
    payee_id::varchar as payee_id,
    number_date::date as number_date,
    bool_or(is_parameters_date)::boolean as is_parameters_date,
    sum(day_count)::integer as day_count
  from united
  group by window_key, plan_id, plan_valid_from, payee_id, number_date
)

select * from final
