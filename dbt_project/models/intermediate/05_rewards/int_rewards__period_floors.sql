-- Lists the months and years that have ended for which a payee on a plan with a floor earns at least the floor: that of the
-- plan version in force on the last day on the plan, by the days of the period on which the payee is employed and not on
-- leave.
-- Grain: one row per scope (month, year), plan, payee and period with a floor. Rule: docs/rules/rewards.md
with

window_floors as (
  select
    window_key,
    plan_id,
    scope_code,
    max(modifier_amount) as floor_amount
  from {{ ref('int_rewards__window_modifiers') }}
  where modifier_kind_code = 'floor'
  group by window_key, plan_id, scope_code
),

floored_plans as (
  select distinct
    plan_id,
    scope_code
  from window_floors
),

participants as (
  select * from {{ ref('int_attainment__participants') }}
),

plan_days as (
  select * from {{ ref('int_parameters__plan_days') }}
  where is_there
),

employment_spans as (
  select * from {{ ref('int_parameters__employment_spans') }}
  where employment_code = 'employed'
),

plan_versions as (
  select * from {{ ref('plans') }}
),

ended_periods as (
  select * from {{ ref('int_parameters__windows') }}
  where {{ add_days('window_to', -1) }} <= {{ as_of_date() }}
),

payee_periods as (
  select
    floored_plans.scope_code,
    plan_days.plan_id,
    plan_days.payee_id,
    ended_periods.window_code as period_code,
    ended_periods.window_from as period_from,
    ended_periods.window_to as period_to,
    max({{ add_days(
      earlier_end(earlier_end('ended_periods.window_to', 'plan_days.valid_to'), 'plan_versions.valid_to'), -1
    ) }}) as last_day
  from plan_days
  inner join plan_versions
    on
      plan_days.plan_id = plan_versions.plan_id
      and (plan_versions.valid_to is null or plan_days.valid_from < plan_versions.valid_to)
      and (plan_days.valid_to is null or plan_versions.valid_from < plan_days.valid_to)
  inner join floored_plans on plan_days.plan_id = floored_plans.plan_id
  inner join ended_periods
    on
      floored_plans.scope_code = ended_periods.calendar_id
      and plan_days.valid_from < ended_periods.window_to
      and plan_versions.valid_from < ended_periods.window_to
      and (plan_days.valid_to is null or ended_periods.window_from < plan_days.valid_to)
      and (plan_versions.valid_to is null or ended_periods.window_from < plan_versions.valid_to)
  group by
    floored_plans.scope_code, plan_days.plan_id, plan_days.payee_id, ended_periods.window_code,
    ended_periods.window_from, ended_periods.window_to
),

payee_period_versions as (
  select
    payee_periods.*,
    participants.window_key,
    participants.plan_valid_from,
    participants.currency_code,
    window_floors.floor_amount,
    row_number() over (
      partition by
        payee_periods.scope_code, payee_periods.plan_id, payee_periods.payee_id, payee_periods.period_code
      order by participants.plan_valid_from desc
    ) as version_position
  from payee_periods
  inner join participants
    on
      payee_periods.plan_id = participants.plan_id
      and payee_periods.payee_id = participants.payee_id
      and participants.plan_valid_from <= payee_periods.last_day
      and {{ in_force('payee_periods.last_day', 'participants', 'window_from', 'window_to') }}
  left join window_floors
    on
      participants.window_key = window_floors.window_key
      and payee_periods.scope_code = window_floors.scope_code
),

days_there as (
  select
    payee_period_versions.*,
    {{ dbt.datediff('payee_period_versions.period_from', 'payee_period_versions.period_to', 'day') }} as period_days,
    sum({{ dbt.datediff(
      'greatest(payee_period_versions.period_from, employment_spans.valid_from)',
      earlier_end('payee_period_versions.period_to', 'employment_spans.valid_to'), 'day'
    ) }}) over (
      partition by
        payee_period_versions.scope_code, payee_period_versions.plan_id, payee_period_versions.payee_id,
        payee_period_versions.period_code
    ) as day_count,
    row_number() over (
      partition by
        payee_period_versions.scope_code, payee_period_versions.plan_id, payee_period_versions.payee_id,
        payee_period_versions.period_code
      order by employment_spans.valid_from
    ) as span_position
  from payee_period_versions
  inner join employment_spans
    on
      payee_period_versions.payee_id = employment_spans.payee_id
      and employment_spans.valid_from < payee_period_versions.period_to
      and (employment_spans.valid_to is null or payee_period_versions.period_from < employment_spans.valid_to)
  where
    payee_period_versions.version_position = 1
    and payee_period_versions.floor_amount is not null
),

final as (
  select
    scope_code::varchar as scope_code,
    plan_id::varchar as plan_id,
    payee_id::varchar as payee_id,
    period_code::varchar as period_code,
    period_from::date as period_from,
    period_to::date as period_to,
    window_key::varchar as window_key,
    plan_valid_from::date as plan_valid_from,
    currency_code::varchar as currency_code,
    (
      case
        when day_count = period_days then floor_amount
        else {{ ratio('cast(floor_amount * day_count as decimal(38, 10))', 'period_days', 10, 0) }}
      end
    )::decimal(28, 10) as floor_amount
  from days_there
  where span_position = 1
)

select * from final
