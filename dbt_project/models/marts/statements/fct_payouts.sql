-- Adds up what is to be paid.
-- Grain: one row a payee, plan, month and currency.
with

lines as (
  select * from {{ ref('int_ledger__lines') }}
),

final as (
  select
    (payee_id || '|' || plan_id || '|' || period_code || '|' || currency_code)::varchar as payout_key,
    payee_id::varchar as payee_id,
    plan_id::varchar as plan_id,
    period_code::varchar as period_code,
    cast(date_trunc('month', min(event_date)) as date)::date as period_from,
    cast({{ dbt.dateadd('month', 1, "date_trunc('month', min(event_date))") }} as date)::date as period_to,
    currency_code::varchar as currency_code,
    sum(line_amount)::decimal(18, 4) as payout_amount,
    count(*)::bigint as line_count
  from lines
  group by payee_id, plan_id, period_code, currency_code
)

select * from final
