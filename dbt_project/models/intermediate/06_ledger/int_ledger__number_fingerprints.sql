-- Condenses the numbers that a window was calculated with (quota, rates, bonuses) into one mark, so that a changed number
-- is seen.
-- Grain: one row per window. Rule: docs/rules/ledger.md
with

plan_numbers as (
  select
    window_key,
    number_kind_code || case when number > 0 then ':' || cast(number as varchar) else '' end
    || ' ' || cast(number_date as varchar)
    || ' ' || coalesce(cast(number_value as varchar), '') as number_text
  from {{ ref('int_attainment__plan_numbers') }}
),

final as (
  select
    window_key::varchar as window_key,
    md5(string_agg(number_text, '|' order by number_text))::varchar as numbers_fingerprint
  from plan_numbers
  group by window_key
)

select * from final
