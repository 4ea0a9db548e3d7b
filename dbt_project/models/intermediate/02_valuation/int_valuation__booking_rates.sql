-- Snapshots, for each day on which something was booked, the rate of each currency: the last one of the days
-- before, at most fx_rate_age_days_max old. No rate, no row: nothing falls back.
-- Grain: one row per currency and booking day.
with

fx_rates as (
  select * from {{ ref('int_parameters__fx_rates') }}
),

booked_days as (
  select distinct booked_date
  from {{ ref('int_pool__transaction_versions') }}
  where booked_date is not null
),

ranked as (
  select
    fx_rates.currency_code,
    booked_days.booked_date,
    fx_rates.rate_date,
    fx_rates.units_per_base,
    row_number() over (
      partition by fx_rates.currency_code, booked_days.booked_date
      order by fx_rates.rate_date desc
    ) as recency
  from booked_days
  inner join fx_rates
    on
      booked_days.booked_date >= fx_rates.rate_date
      and booked_days.booked_date <= {{ add_days('fx_rates.rate_date', var('fx_rate_age_days_max')) }}
),

base_currency as (
  select
    '{{ var("fx_base_currency_code") }}' as currency_code,
    booked_date,
    booked_date as rate_date,
    1 as units_per_base
  from booked_days
),

final as (
  select
    currency_code,
    booked_date,
    rate_date,
    units_per_base
  from ranked
  where recency = 1
  union all
  select * from base_currency
)

select
  currency_code::varchar as currency_code,
  booked_date::date as booked_date,
  rate_date::date as rate_date,
  units_per_base::decimal(28, 10) as units_per_base
from final
