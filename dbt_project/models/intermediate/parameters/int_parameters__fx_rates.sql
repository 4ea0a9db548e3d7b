-- Takes the daily average rate of each currency against the feed's base currency.
-- Grain: one row per currency and day on which the feed has a rate.
with

currency_rates as (
  select * from {{ ref('stg_fx__currency_rates') }}
  where
    not is_deleted_in_source
    and "FromCurrencyCode" = '{{ var("fx_base_currency_code") }}'
    and "ToCurrencyCode" <> '{{ var("fx_base_currency_code") }}'
),

final as (
  select
    "ToCurrencyCode"::varchar as currency_code,
    "CurrencyRateDate"::date as rate_date,
    "AverageRate"::decimal(28, 10) as units_per_base
  from currency_rates
)

select * from final
