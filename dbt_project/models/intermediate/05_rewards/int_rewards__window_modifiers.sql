-- Reads the modifiers of each window on its parameters date: kind, scope, amount and condition.
-- Grain: one row per window and modifier. Rule: docs/rules/rewards.md
with

participants as (
  select * from {{ ref('int_attainment__participants') }}
),

modifiers as (
  select * from {{ ref('modifiers') }}
),

plan_numbers as (
  select * from {{ ref('int_attainment__plan_numbers') }}
),

final as (
  select
    participants.window_key::varchar as window_key,
    participants.plan_id::varchar as plan_id,
    participants.payee_id::varchar as payee_id,
    modifiers.modifier_number::integer as modifier_number,
    modifiers.modifier_kind_code::varchar as modifier_kind_code,
    modifiers.scope_code::varchar as scope_code,
    modifiers.condition_plan_id::varchar as condition_plan_id,
    modifiers.condition_from::decimal(28, 10) as condition_from,
    modifiers.condition_to::decimal(28, 10) as condition_to,
    plan_numbers.number_value::decimal(28, 10) as modifier_amount,
    (
      case
        when modifiers.modifier_kind_code <> 'gate' and plan_numbers.number_value is null then 'missing_variable'
      end
    )::varchar as reason_code
  from participants
  inner join modifiers
    on
      participants.plan_id = modifiers.plan_id
      and {{ in_force('participants.parameters_date', 'modifiers') }}
  left join plan_numbers
    on
      participants.window_key = plan_numbers.window_key
      and participants.parameters_date = plan_numbers.number_date
      and plan_numbers.number_kind_code = 'modifier'
      and modifiers.modifier_number = plan_numbers.number
)

select * from final
