-- Resolves every variable that a plan names, for each payee and window: the narrowest scope with a value on the
-- window's parameters date wins (payee, then plan, then global). No value, null: reported, never a zero.
-- Grain: one row a plan, payee, window and variable. Rule: docs/rules/attainment.md
with

credited_windows as (
  select * from {{ ref('int_attainment__credited_windows') }}
),

plan_versions as (
  select * from {{ ref('plans') }}
),

tiers as (
  select * from {{ ref('tiers') }}
),

variables as (
  select * from {{ ref('variables') }}
),

named as (
  select distinct
    plan_id,
    quota_variable as variable_name
  from plan_versions
  where quota_variable is not null
  union
  select distinct
    plan_id,
    rate_variable as variable_name
  from tiers
  where rate_variable is not null
),

needed as (
  select
    credited_windows.window_key,
    credited_windows.plan_id,
    credited_windows.payee_id,
    credited_windows.parameters_date,
    named.variable_name
  from credited_windows
  inner join named on credited_windows.plan_id = named.plan_id
),

found as (
  select
    needed.*,
    variables.scope_code,
    variables.scope_id,
    variables.value,
    row_number() over (
      partition by needed.window_key, needed.variable_name
      order by
        case variables.scope_code when 'payee' then 1 when 'plan' then 2 when 'global' then 3 else 4 end,
        variables.scope_id
    ) as narrowness
  from needed
  left join variables
    on
      needed.variable_name = variables.variable_name
      and {{ in_force('needed.parameters_date', 'variables') }}
      and (
        (variables.scope_code = 'payee' and variables.scope_id = needed.payee_id)
        or (variables.scope_code = 'plan' and variables.scope_id = needed.plan_id)
        or variables.scope_code = 'global'
      )
),

final as (
  select
    window_key::varchar as window_key,
    plan_id::varchar as plan_id,
    payee_id::varchar as payee_id,
    parameters_date::date as parameters_date,
    variable_name::varchar as variable_name,
    scope_code::varchar as scope_code,
    value::decimal(28, 10) as value
  from found
  where narrowness = 1
)

select * from final
