-- Lists the windows in which attainment accumulates: the company's own calendars, the months, quarters and years from
-- the first booking to the day the run looks at, and the one window of a whole life.
-- Grain: one row per calendar and window.
with recursive

company_windows as (
  select * from {{ ref('windows') }}
),

first_days as (
  select min(booked_date) as booked_date
  from {{ ref('int_pool__transaction_versions') }}
  where booked_date is not null
  union all
  select min(valid_from) as booked_date
  from {{ ref('plan_assignments') }}
),

month_starts as (
  select cast(date_trunc('month', min(booked_date)) as date) as month_start
  from first_days
  where booked_date <= {{ as_of_date() }}
  having min(booked_date) is not null
  union all
  select cast({{ dbt.dateadd('month', 1, 'month_start') }} as date) as month_start
  from month_starts
  where cast({{ dbt.dateadd('month', 1, 'month_start') }} as date) <= {{ as_of_date() }}
),

months as (
  select
    'month' as calendar_id,
    {{ month_code('month_start') }} as window_code,
    month_start as window_from,
    cast({{ dbt.dateadd('month', 1, 'month_start') }} as date) as window_to
  from month_starts
),

quarters as (
  select distinct
    'quarter' as calendar_id,
    cast(extract(year from month_start) as varchar) || '-Q' || cast(extract(quarter from month_start) as varchar)
      as window_code,
    cast(date_trunc('quarter', month_start) as date) as window_from,
    cast({{ dbt.dateadd('month', 3, "date_trunc('quarter', month_start)") }} as date) as window_to
  from month_starts
),

years as (
  select distinct
    'year' as calendar_id,
    cast(extract(year from month_start) as varchar) as window_code,
    cast(date_trunc('year', month_start) as date) as window_from,
    cast({{ dbt.dateadd('year', 1, "date_trunc('year', month_start)") }} as date) as window_to
  from month_starts
),

lives as (
  select
    'life' as calendar_id,
    'life' as window_code,
    min(month_start) as window_from,
    null as window_to
  from month_starts
  having min(month_start) is not null
),

final as (
  select
    calendar_id,
    window_code,
    window_from,
    window_to
  from company_windows
  union all
  select * from months
  union all
  select * from quarters
  union all
  select * from years
  union all
  select * from lives
)

select
  calendar_id::varchar as calendar_id,
  window_code::varchar as window_code,
  window_from::date as window_from,
  window_to::date as window_to
from final
