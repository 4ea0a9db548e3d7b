-- Lists the calendar months of dim_dates: whether each has ended, and whether it is closed.
-- Grain: one row per month.
-- Rule: docs/bi.md
with

days as (
  select * from {{ ref('dim_dates') }}
),

closings as (
  select * from {{ ref('stg_books__closings') }}
),

months as (
  select
    period_code,
    quarter_code,
    year_code,
    min(calendar_date) as period_from,
    {{ add_days('max(calendar_date)', 1) }} as period_to
  from days
  group by period_code, quarter_code, year_code
),

final as (
  select
    months.period_code::varchar as period_code,
    months.period_from::date as period_from,
    months.period_to::date as period_to,
    months.quarter_code::varchar as quarter_code,
    months.year_code::varchar as year_code,
    (months.period_to <= {{ add_days(as_of_date(), 1) }})::boolean as has_ended,
    (closings.period_code is not null)::boolean as is_closed
  from months
  left join closings on months.period_code = closings.period_code
)

select * from final
