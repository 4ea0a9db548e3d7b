-- Invariant 2: direct and territory credits of a transaction add up to its value exactly; a rolled-up credit is
-- the value times the level's factor.
with

credits as (
  select * from {{ ref('int_crediting__credits') }}
),

transaction_values as (
  select * from {{ ref('int_valuation__values') }}
),

shared as (
  select
    plan_id,
    transaction_id,
    credit_type_code,
    sum(credited_amount) as credited_amount
  from credits
  where credit_type_code <> 'rollup'
  group by plan_id, transaction_id, credit_type_code
),

wrong_shares as (
  select
    shared.plan_id,
    shared.transaction_id,
    shared.credited_amount
  from shared
  left join transaction_values
    on
      shared.plan_id = transaction_values.plan_id
      and shared.transaction_id = transaction_values.transaction_id
  where shared.credited_amount is distinct from transaction_values.value_amount
),

wrong_levels as (
  select
    credits.plan_id,
    credits.transaction_id,
    credits.credited_amount
  from credits
  left join transaction_values
    on
      credits.plan_id = transaction_values.plan_id
      and credits.transaction_id = transaction_values.transaction_id
  where
    credits.credit_type_code = 'rollup'
    and credits.credited_amount
    is distinct from round(transaction_values.value_amount * credits.level_factor, 10)::decimal(28, 10)
)

select * from wrong_shares
union all
select * from wrong_levels
