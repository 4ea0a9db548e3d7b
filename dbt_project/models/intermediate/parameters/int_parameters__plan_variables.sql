-- Resolves the variables that hold for a whole plan, as ranges: a value of scope plan wins over a global one.
-- Grain: one row per plan, variable and first day of a value.
with

plans as (
  select distinct plan_id
  from {{ ref('plans') }}
),

variables as (
  select * from {{ ref('variables') }}
),

applicable as (
  select
    plans.plan_id,
    variables.variable_name,
    variables.scope_code,
    variables.value,
    variables.valid_from,
    variables.valid_to
  from plans
  inner join variables
    on
      variables.scope_code = 'global'
      or (variables.scope_code = 'plan' and variables.scope_id = plans.plan_id)
),

bounds as (
  select
    plan_id,
    variable_name,
    valid_from as bound
  from applicable
  union
  select
    plan_id,
    variable_name,
    valid_to as bound
  from applicable
  where valid_to is not null
),

segments as (
  select
    plan_id,
    variable_name,
    bound as valid_from,
    lead(bound) over (partition by plan_id, variable_name order by bound) as valid_to
  from bounds
),

resolved as (
  select
    segments.plan_id,
    segments.variable_name,
    segments.valid_from,
    segments.valid_to,
    applicable.scope_code,
    applicable.value,
    row_number() over (
      partition by segments.plan_id, segments.variable_name, segments.valid_from
      order by case applicable.scope_code when 'plan' then 0 else 1 end
    ) as narrowness
  from segments
  inner join applicable
    on
      segments.plan_id = applicable.plan_id
      and segments.variable_name = applicable.variable_name
      and {{ in_force('segments.valid_from', 'applicable') }}
),

final as (
  select
    plan_id::varchar as plan_id,
    variable_name::varchar as variable_name,
    valid_from::date as valid_from,
    valid_to::date as valid_to,
    scope_code::varchar as scope_code,
    value::decimal(28, 10) as value
  from resolved
  where narrowness = 1
)

select * from final
