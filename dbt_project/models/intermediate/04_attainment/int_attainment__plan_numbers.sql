-- Evaluates every number formula of the plans (quota, incentive, tiers, bonuses, modifiers) for each window on the days
-- on which it is read. A variable without a value makes the number null.
-- Grain: one row per window, day and number. Rule: docs/rules/attainment.md
with

number_dates as (
  select * from {{ ref('int_attainment__number_dates') }}
),

evaluated as (
  {{ plan_numbers('number_dates') }}
)

select
  window_key::varchar as window_key,
  number_date::date as number_date,
  number_kind_code::varchar as number_kind_code,
  number::integer as number,
  number_value::decimal(28, 10) as number_value
from evaluated
