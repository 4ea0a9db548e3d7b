-- Lists every window in which a payee is on a plan version, credited or not, and fixes the day on which the window's
-- numbers (tiers, quota, rates) are read: the first day of window, version and assignment together. Where each credit
-- is its own window, the credit's day.
-- Grain: one row per plan version, payee and window. Rule: docs/rules/attainment.md
with

plan_versions as (
  select * from {{ ref('plans') }}
),

assignments as (
  select * from {{ ref('plan_assignments') }}
),

windows as (
  select * from {{ ref('int_parameters__windows') }}
),

credits as (
  select * from {{ ref('int_crediting__credits') }}
  where calendar_id = 'transaction'
),

assigned as (
  select
    plan_versions.plan_id,
    plan_versions.valid_from as plan_valid_from,
    plan_versions.valid_to as plan_valid_to,
    coalesce(plan_versions.progress_id, plan_versions.plan_id) as progress_id,
    plan_versions.currency_code,
    windows.calendar_id,
    windows.window_code,
    windows.window_from,
    windows.window_to,
    assignments.payee_id,
    greatest(windows.window_from, plan_versions.valid_from, assignments.valid_from) as first_day,
    {{ earlier_end(earlier_end('windows.window_to', 'plan_versions.valid_to'), 'assignments.valid_to') }} as end_day
  from plan_versions
  inner join windows on plan_versions.calendar_id = windows.calendar_id
  inner join assignments on plan_versions.plan_id = assignments.plan_id
),

present as (
  select
    plan_id,
    plan_valid_from,
    plan_valid_to,
    progress_id,
    currency_code,
    calendar_id,
    window_code,
    window_from,
    window_to,
    payee_id,
    min(first_day) as parameters_date
  from assigned
  where
    (end_day is null or first_day < end_day)
    and first_day <= {{ as_of_date() }}
  group by
    plan_id,
    plan_valid_from,
    plan_valid_to,
    progress_id,
    currency_code,
    calendar_id,
    window_code,
    window_from,
    window_to,
    payee_id
),

united as (
  select
    plan_id || '|' || cast(plan_valid_from as varchar) || '|' || payee_id || '|' || window_code as window_key,
    progress_id || '|' || payee_id || '|' || window_code as progress_key,
    plan_id,
    plan_valid_from,
    payee_id,
    calendar_id,
    window_code,
    window_from,
    window_to,
    {{ earlier_end('window_to', 'plan_valid_to') }} as measured_to,
    parameters_date,
    currency_code
  from present
  union all
  select
    window_key,
    progress_key,
    plan_id,
    plan_valid_from,
    payee_id,
    calendar_id,
    window_code,
    window_from,
    window_to,
    window_to as measured_to,
    credit_date as parameters_date,
    currency_code
  from credits
),

final as (
  select
    window_key::varchar as window_key,
    progress_key::varchar as progress_key,
    plan_id::varchar as plan_id,
    plan_valid_from::date as plan_valid_from,
    payee_id::varchar as payee_id,
    calendar_id::varchar as calendar_id,
    window_code::varchar as window_code,
    window_from::date as window_from,
    window_to::date as window_to,
    measured_to::date as measured_to,
    parameters_date::date as parameters_date,
    currency_code::varchar as currency_code
  from united
)

select * from final
