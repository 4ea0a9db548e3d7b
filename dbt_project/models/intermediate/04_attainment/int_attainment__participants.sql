-- Lists every window in which a payee is on a plan version and there, credited or not, and fixes the day on which the
-- window's numbers (tiers, quota, rates) are read: the first day of window, version, assignment and employment together. A
-- window in which the payee is not there is listed where something was credited in it, as if employment had gone on. Where
-- each credit is its own window, the credit's day.
-- Grain: one row per plan version, payee and window. Rule: docs/rules/attainment.md
with

plan_versions as (
  select * from {{ ref('plans') }}
),

stretches as (
  select * from {{ ref('int_parameters__plan_days') }}
),

windows as (
  select * from {{ ref('int_parameters__windows') }}
),

credits as (
  select * from {{ ref('int_crediting__credits') }}
  where calendar_id = 'transaction'
),

credited_windows as (
  select distinct window_key
  from {{ ref('int_crediting__credits') }}
  where calendar_id <> 'transaction'
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
    stretches.payee_id,
    stretches.is_there,
    greatest(windows.window_from, plan_versions.valid_from, stretches.valid_from) as first_day,
    {{ earlier_end(earlier_end('windows.window_to', 'plan_versions.valid_to'), 'stretches.valid_to') }} as end_day
  from plan_versions
  inner join windows on plan_versions.calendar_id = windows.calendar_id
  inner join stretches on plan_versions.plan_id = stretches.plan_id
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
    min(case when is_there then first_day end) as first_day_there,
    min(case when not is_there then first_day end) as first_day_assigned
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

keyed as (
  select
    *,
    plan_id || '|' || cast(plan_valid_from as varchar) || '|' || payee_id || '|' || window_code as window_key
  from present
),

united as (
  select
    window_key,
    progress_id || '|' || payee_id || '|' || window_code as progress_key,
    plan_id,
    plan_valid_from,
    payee_id,
    calendar_id,
    window_code,
    window_from,
    window_to,
    {{ earlier_end('window_to', 'plan_valid_to') }} as measured_to,
    coalesce(first_day_there, first_day_assigned) as parameters_date,
    currency_code,
    first_day_there is not null as is_there
  from keyed
  where
    first_day_there is not null
    or window_key in (select credited_windows.window_key from credited_windows)
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
    currency_code,
    true as is_there
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
    currency_code::varchar as currency_code,
    is_there::boolean as is_there
  from united
)

select * from final
