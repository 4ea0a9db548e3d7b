-- Lists the windows in which attainment accumulates: the company's own calendars, and the months, quarters and
-- years in which anything was booked.
-- Grain: one row a calendar and window.
with

company_windows as (
  select * from {{ ref('windows') }}
),

booked_days as (
  select distinct booked_date
  from {{ ref('int_pool__transactions') }}
  where booked_date is not null
),

months as (
  select distinct
    'month' as calendar_id,
    {{ month_code('booked_date') }} as window_code,
    cast(date_trunc('month', booked_date) as date) as window_from,
    cast({{ dbt.dateadd('month', 1, "date_trunc('month', booked_date)") }} as date) as window_to
  from booked_days
),

quarters as (
  select distinct
    'quarter' as calendar_id,
    cast(extract(year from booked_date) as varchar) || '-Q' || cast(extract(quarter from booked_date) as varchar)
      as window_code,
    cast(date_trunc('quarter', booked_date) as date) as window_from,
    cast({{ dbt.dateadd('month', 3, "date_trunc('quarter', booked_date)") }} as date) as window_to
  from booked_days
),

years as (
  select distinct
    'year' as calendar_id,
    cast(extract(year from booked_date) as varchar) as window_code,
    cast(date_trunc('year', booked_date) as date) as window_from,
    cast({{ dbt.dateadd('year', 1, "date_trunc('year', booked_date)") }} as date) as window_to
  from booked_days
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
)

select
  calendar_id::varchar as calendar_id,
  window_code::varchar as window_code,
  window_from::date as window_from,
  window_to::date as window_to
from final
