-- Places each credit on its window's running total. The order is total: credit date, transaction, credit.
-- Grain: one row a credit. Rule: docs/rules/attainment.md
with

credits as (
  select * from {{ ref('int_crediting__credits') }}
),

accumulated as (
  select
    *,
    sum(credited_amount) over (
      partition by plan_id, payee_id, window_code
      order by credit_date, transaction_id, credit_id
      rows between unbounded preceding and current row
    ) as cumulative_after_amount
  from credits
),

final as (
  select
    credit_id::varchar as credit_id,
    (plan_id || '|' || payee_id || '|' || window_code)::varchar as window_key,
    plan_id::varchar as plan_id,
    payee_id::varchar as payee_id,
    window_code::varchar as window_code,
    currency_code::varchar as currency_code,
    credited_amount::decimal(28, 10) as credited_amount,
    (cumulative_after_amount - credited_amount)::decimal(28, 10) as cumulative_before_amount,
    cumulative_after_amount::decimal(28, 10) as cumulative_after_amount
  from accumulated
)

select * from final
