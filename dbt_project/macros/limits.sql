{# A deal's total within floor_amount and cap_amount of the row (null = none). #}
{% macro limited_deal(amount) -%}
  case
    when {{ amount }} > 0
      then least(
        greatest(cast({{ amount }} as decimal(38, 20)), cast(coalesce(floor_amount, 0) as decimal(38, 20))),
        cast(coalesce(cap_amount, {{ amount }} + coalesce(floor_amount, 0)) as decimal(38, 20))
      )
    else greatest(
      cast({{ amount }} as decimal(38, 20)), cast(-coalesce(cap_amount, -({{ amount }})) as decimal(38, 20))
    )
  end
{%- endmacro %}

{# The steps of a floor and a cap per period (month or year) over the rewards of a model: a reward of kind floor on the
   last day of each period that has ended, then the cap on the running total. #}
{% macro limited_periods(rewards, scope_code) -%}
with

rewards as (
  select * from {{ rewards }}
),

window_modifiers as (
  select * from {{ ref('int_rewards__window_modifiers') }}
  where scope_code = '{{ scope_code }}'
),

participants as (
  select * from {{ ref('int_attainment__participants') }}
),

assignments as (
  select * from {{ ref('plan_assignments') }}
),

plan_versions as (
  select * from {{ ref('plans') }}
),

periods as (
  select * from {{ ref('int_parameters__windows') }}
  where calendar_id = '{{ scope_code }}'
),

floor_modifiers as (
  select
    window_key,
    max(modifier_amount) as floor_amount
  from window_modifiers
  where modifier_kind_code = 'floor'
  group by window_key
),

floor_plans as (
  select distinct plan_id
  from window_modifiers
  where modifier_kind_code = 'floor'
),

assigned_periods as (
  select
    assignments.plan_id,
    assignments.payee_id,
    periods.window_code as period_code,
    periods.window_from as period_from,
    periods.window_to as period_to,
    max({{ commissions.add_days(
      commissions.earlier_end(
        commissions.earlier_end('periods.window_to', 'assignments.valid_to'), 'plan_versions.valid_to'
      ), -1
    ) }}) as last_day
  from assignments
  inner join plan_versions
    on
      assignments.plan_id = plan_versions.plan_id
      and (plan_versions.valid_to is null or assignments.valid_from < plan_versions.valid_to)
      and (assignments.valid_to is null or plan_versions.valid_from < assignments.valid_to)
  inner join floor_plans on assignments.plan_id = floor_plans.plan_id
  inner join periods
    on
      assignments.valid_from < periods.window_to
      and plan_versions.valid_from < periods.window_to
      and (assignments.valid_to is null or periods.window_from < assignments.valid_to)
      and (plan_versions.valid_to is null or periods.window_from < plan_versions.valid_to)
  where {{ commissions.add_days('periods.window_to', -1) }} <= {{ commissions.as_of_date() }}
  group by
    assignments.plan_id, assignments.payee_id, periods.window_code, periods.window_from, periods.window_to
),

floored_periods as (
  select
    assigned_periods.*,
    participants.window_key,
    participants.plan_valid_from,
    participants.currency_code,
    floor_modifiers.floor_amount,
    row_number() over (
      partition by assigned_periods.plan_id, assigned_periods.payee_id, assigned_periods.period_code
      order by participants.plan_valid_from desc
    ) as version_position
  from assigned_periods
  inner join participants
    on
      assigned_periods.plan_id = participants.plan_id
      and assigned_periods.payee_id = participants.payee_id
      and participants.plan_valid_from <= assigned_periods.last_day
      and {{ commissions.in_force('assigned_periods.last_day', 'participants', 'window_from', 'window_to') }}
  left join floor_modifiers on participants.window_key = floor_modifiers.window_key
),

period_totals as (
  select
    floored_periods.plan_id,
    floored_periods.payee_id,
    floored_periods.period_code,
    sum(rewards.reward_amount) as total_amount
  from floored_periods
  inner join rewards
    on
      floored_periods.plan_id = rewards.plan_id
      and floored_periods.payee_id = rewards.payee_id
      and rewards.reward_date >= floored_periods.period_from
      and rewards.reward_date < floored_periods.period_to
  where floored_periods.version_position = 1
  group by floored_periods.plan_id, floored_periods.payee_id, floored_periods.period_code
),

floors as (
  select
    'floor|' || floored_periods.plan_id || '|' || floored_periods.payee_id || '|{{ scope_code }}|'
    || floored_periods.period_code as reward_id,
    'floor' as reward_kind_code,
    cast(null as varchar) as credit_id,
    floored_periods.window_key,
    cast(null as varchar) as transaction_id,
    floored_periods.plan_id,
    floored_periods.plan_valid_from,
    floored_periods.payee_id,
    {{ commissions.add_days('floored_periods.period_to', -1) }} as reward_date,
    floored_periods.currency_code,
    cast(
      cast(floored_periods.floor_amount as decimal(38, 20))
      - coalesce(period_totals.total_amount, cast(0 as decimal(38, 20))) as decimal(38, 20)
    ) as reward_amount
  from floored_periods
  left join period_totals
    on
      floored_periods.plan_id = period_totals.plan_id
      and floored_periods.payee_id = period_totals.payee_id
      and floored_periods.period_code = period_totals.period_code
  where
    floored_periods.version_position = 1
    and floored_periods.floor_amount > coalesce(period_totals.total_amount, 0)
),

united as (
  select * from rewards
  union all
  select * from floors
),

caps as (
  select
    window_key,
    min(modifier_amount) as cap_amount
  from window_modifiers
  where modifier_kind_code = 'cap'
  group by window_key
),

accumulated as (
  select
    united.*,
    caps.cap_amount,
    sum(united.reward_amount) over (
      partition by united.plan_id, united.payee_id, date_trunc('{{ scope_code }}', united.reward_date)
      order by united.reward_date, coalesce(united.transaction_id, ''), united.reward_id
      rows between unbounded preceding and current row
    ) as after_amount
  from united
  left join caps on united.window_key = caps.window_key
),

limited as (
  select
    *,
    case
      when cap_amount is null then reward_amount
      else
        least(cast(after_amount as decimal(38, 20)), cast(cap_amount as decimal(38, 20)))
        - least(cast(after_amount - reward_amount as decimal(38, 20)), cast(cap_amount as decimal(38, 20)))
    end as limited_amount
  from accumulated
)

select
  reward_id::varchar as reward_id,
  reward_kind_code::varchar as reward_kind_code,
  credit_id::varchar as credit_id,
  window_key::varchar as window_key,
  transaction_id::varchar as transaction_id,
  plan_id::varchar as plan_id,
  plan_valid_from::date as plan_valid_from,
  payee_id::varchar as payee_id,
  reward_date::date as reward_date,
  currency_code::varchar as currency_code,
  limited_amount::decimal(38, 20) as reward_amount
from limited
{%- endmacro %}
