-- Rolls capitalised contract costs forward month by month: opening, additions, amortisation, impairments, closing. A month
-- that has not ended has no amortisation yet.
-- Grain: one row per month, plan and currency. Rule: docs/rules/accounting.md
with

schedule as (
  select * from {{ ref('rpt_amortisation_schedule') }}
  where period_code <= {{ month_code(as_of_date()) }}
),

spans as (
  select
    plan_id,
    currency_code,
    {{ first_of_month('min(period_code)') }} as first_month_date
  from schedule
  group by plan_id, currency_code
),

months as (
  select
    *,
    unnest(range({{ dbt.datediff('first_month_date', as_of_date(), 'month') }} + 1)) as month_number
  from spans
),

periods as (
  select
    plan_id,
    currency_code,
    {{ month_code(dbt.dateadd('month', 'month_number', 'first_month_date')) }} as period_code
  from months
),

sums as (
  select
    plan_id,
    currency_code,
    period_code,
    sum(addition_amount) as addition_amount,
    sum(case when is_forecast then 0 else amortisation_amount end) as amortisation_amount,
    sum(case when is_forecast then 0 else impairment_amount end) as impairment_amount
  from schedule
  group by plan_id, currency_code, period_code
),

filled as (
  select
    periods.*,
    coalesce(sums.addition_amount, 0) as addition_amount,
    coalesce(sums.amortisation_amount, 0) as amortisation_amount,
    coalesce(sums.impairment_amount, 0) as impairment_amount
  from periods
  left join sums
    on
      periods.plan_id = sums.plan_id
      and periods.currency_code = sums.currency_code
      and periods.period_code = sums.period_code
),

rolled as (
  select
    *,
    sum(addition_amount - amortisation_amount - impairment_amount) over (
      partition by plan_id, currency_code
      order by period_code
    ) as closing_amount
  from filled
),

final as (
  select
    concat_ws('|', period_code, plan_id, currency_code)::varchar as roll_forward_key,
    period_code::varchar as period_code,
    plan_id::varchar as plan_id,
    currency_code::varchar as currency_code,
    (closing_amount - addition_amount + amortisation_amount + impairment_amount)::decimal(18, 4) as opening_amount,
    addition_amount::decimal(18, 4) as addition_amount,
    amortisation_amount::decimal(18, 4) as amortisation_amount,
    impairment_amount::decimal(18, 4) as impairment_amount,
    closing_amount::decimal(18, 4) as closing_amount
  from rolled
)

select * from final
