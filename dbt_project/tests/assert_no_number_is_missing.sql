-- A plan that does not allow gaps (gap_code error) lacks a number: a variable has no value, a quota is missing or zero, a
-- window has no tiers, the rate table has no row. Fix: add the row that reason and variable name to
-- seeds/plans/variables.csv, tiers.csv or rates.csv, or set gap_code to list, which pays nothing and lists it.
with

unpaid as (
  select * from {{ ref('int_rewards__unpaid') }}
  where gap_code = 'error'
),

missing_values as (
  select
    plan_id,
    payee_id,
    number_date,
    min(variable_name) as variable_name
  from {{ ref('int_attainment__variable_values') }}
  where value is null
  group by plan_id, payee_id, number_date
)

select
  unpaid.plan_id,
  unpaid.payee_id,
  unpaid.unpaid_date,
  unpaid.reason_code,
  missing_values.variable_name
from unpaid
left join missing_values
  on
    unpaid.plan_id = missing_values.plan_id
    and unpaid.payee_id = missing_values.payee_id
    and unpaid.unpaid_date = missing_values.number_date
