-- Lists the currencies that amounts can be in.
-- Grain: one row per currency.
-- Rule: docs/bi.md
with

currencies as (
  select * from {{ ref('currencies') }}
),

final as (
  select
    currency_code::varchar as currency_code,
    minor_unit::integer as minor_unit,
    is_current::boolean as is_current
  from currencies
)

select * from final
