-- Adds up what is to be paid: the lines that a month posts.
-- Grain: one row per payee, plan, month and currency.
with

lines as (
  select * from {{ ref('fct_ledger_lines') }}
),

final as (
  select
    (payee_id || '|' || plan_id || '|' || posted_period_code || '|' || currency_code)::varchar as payout_key,
    payee_id::varchar as payee_id,
    plan_id::varchar as plan_id,
    posted_period_code::varchar as period_code,
    {{ first_of_month('posted_period_code') }}::date as period_from,
    cast({{ dbt.dateadd('month', 1, first_of_month('posted_period_code')) }} as date)::date as period_to,
    currency_code::varchar as currency_code,
    sum(line_amount)::decimal(18, 4) as payout_amount,
    count(*)::bigint as line_count
  from lines
  group by payee_id, plan_id, posted_period_code, currency_code
)

select * from final
