-- Rolls what is earned and unpaid forward month by month: opening, accrued, paid, closing.
-- Grain: one row per month, liability account and currency. Rule: docs/rules/accounting.md
with

journal_lines as (
  select * from {{ ref('fct_journal_lines') }}
  where account_kind_code = 'liability'
),

spans as (
  select
    account_code,
    currency_code,
    {{ first_of_month('min(period_code)') }} as first_month_date,
    {{ first_of_month('max(period_code)') }} as last_month_date
  from journal_lines
  group by account_code, currency_code
),

months as (
  select
    *,
    unnest(range(
      {{ dbt.datediff('first_month_date', 'greatest(last_month_date, ' ~ as_of_date() ~ ')', 'month') }} + 1
    )) as month_number
  from spans
),

periods as (
  select
    account_code,
    currency_code,
    {{ month_code(dbt.dateadd('month', 'month_number', 'first_month_date')) }} as period_code
  from months
),

sums as (
  select
    account_code,
    currency_code,
    period_code,
    sum(case when posting_code = 'payment' then 0 else credit_amount - debit_amount end) as accrued_amount,
    sum(case when posting_code = 'payment' then debit_amount - credit_amount else 0 end) as paid_amount
  from journal_lines
  group by account_code, currency_code, period_code
),

filled as (
  select
    periods.*,
    coalesce(sums.accrued_amount, 0) as accrued_amount,
    coalesce(sums.paid_amount, 0) as paid_amount
  from periods
  left join sums
    on
      periods.account_code = sums.account_code
      and periods.currency_code = sums.currency_code
      and periods.period_code = sums.period_code
),

rolled as (
  select
    *,
    sum(accrued_amount - paid_amount) over (
      partition by account_code, currency_code
      order by period_code
    ) as closing_amount
  from filled
),

final as (
  select
    concat_ws('|', period_code, account_code, currency_code)::varchar as roll_forward_key,
    period_code::varchar as period_code,
    account_code::varchar as account_code,
    currency_code::varchar as currency_code,
    (closing_amount - accrued_amount + paid_amount)::decimal(18, 4) as opening_amount,
    accrued_amount::decimal(18, 4) as accrued_amount,
    paid_amount::decimal(18, 4) as paid_amount,
    closing_amount::decimal(18, 4) as closing_amount
  from rolled
)

select * from final
