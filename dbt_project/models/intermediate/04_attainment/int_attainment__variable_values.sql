-- Resolves every variable that a plan's number formulas name, for each window and day: the narrowest scope with a value
-- on that day wins (payee, then team, then plan, then global). No value, null: reported, never a zero.
-- Grain: one row per window, day and variable. Rule: docs/rules/attainment.md
with

number_dates as (
  select * from {{ ref('int_attainment__number_dates') }}
),

formula_variables as (
  select distinct
    plan_id,
    variable_name
  from {{ ref('int_attainment__formula_variables') }}
),

variables as (
  select * from {{ ref('variables') }}
),

memberships as (
  select * from {{ ref('int_parameters__team_memberships') }}
),

needed as (
  select
    number_dates.window_key,
    number_dates.plan_id,
    number_dates.payee_id,
    number_dates.number_date,
    formula_variables.variable_name
  from number_dates
  inner join formula_variables on number_dates.plan_id = formula_variables.plan_id
),

of_payees as (
  select
    needed.window_key,
    needed.number_date,
    needed.variable_name,
    'payee' as scope_code,
    1 as scope_rank,
    variables.value
  from needed
  inner join variables
    on
      needed.variable_name = variables.variable_name
      and variables.scope_code = 'payee'
      and variables.scope_id = needed.payee_id
      and {{ in_force('needed.number_date', 'variables') }}
),

of_teams as (
  select
    needed.window_key,
    needed.number_date,
    needed.variable_name,
    'team' as scope_code,
    2 as scope_rank,
    variables.value
  from needed
  inner join memberships
    on
      needed.payee_id = memberships.payee_id
      and {{ in_force('needed.number_date', 'memberships') }}
  inner join variables
    on
      needed.variable_name = variables.variable_name
      and variables.scope_code = 'team'
      and variables.scope_id = memberships.team_id
      and {{ in_force('needed.number_date', 'variables') }}
),

of_plans as (
  select
    needed.window_key,
    needed.number_date,
    needed.variable_name,
    plan_variables.scope_code,
    3 as scope_rank,
    plan_variables.value
  from needed
  inner join {{ ref('int_parameters__plan_variables') }} as plan_variables
    on
      needed.plan_id = plan_variables.plan_id
      and needed.variable_name = plan_variables.variable_name
      and {{ in_force('needed.number_date', 'plan_variables') }}
),

found as (
  select * from of_payees
  union all
  select * from of_teams
  union all
  select * from of_plans
),

narrowest as (
  select
    window_key,
    number_date,
    variable_name,
    min(scope_rank) as scope_rank
  from found
  group by window_key, number_date, variable_name
),

chosen as (
  select
    found.window_key,
    found.number_date,
    found.variable_name,
    min(found.scope_code) as scope_code,
    min(found.value) as value,
    count(*) as value_count
  from found
  inner join narrowest
    on
      found.window_key = narrowest.window_key
      and found.number_date = narrowest.number_date
      and found.variable_name = narrowest.variable_name
      and found.scope_rank = narrowest.scope_rank
  group by found.window_key, found.number_date, found.variable_name
),

final as (
  select
    needed.window_key::varchar as window_key,
    needed.plan_id::varchar as plan_id,
    needed.payee_id::varchar as payee_id,
    needed.number_date::date as number_date,
    needed.variable_name::varchar as variable_name,
    chosen.scope_code::varchar as scope_code,
    chosen.value::decimal(28, 10) as value,
    coalesce(chosen.value_count, 0)::integer as value_count
  from needed
  left join chosen
    on
      needed.window_key = chosen.window_key
      and needed.number_date = chosen.number_date
      and needed.variable_name = chosen.variable_name
)

select * from final
