-- Sets what each plan's month posts against what it credits and against its budget: effective rate, average, year to date.
-- Value counts in the month of its credit, cost in the month that posts it.
-- Grain: one row per plan, month and currency. Rule: docs/administration.md
with

credits as (
  select * from {{ ref('int_crediting__credits') }}
),

months as (
  select * from {{ ref('int_parameters__windows') }}
  where calendar_id = 'month'
),

budgets as (
  select * from {{ ref('plan_budgets') }}
),

currencies as (
  select * from {{ ref('currencies') }}
),

costs as (
  select
    plan_id,
    posted_period_code as period_code,
    currency_code,
    sum(line_amount) as commission_amount,
    count(distinct payee_id) as payee_count
  from {{ ref('fct_ledger_lines') }}
  group by plan_id, posted_period_code, currency_code
),

credited as (
  select
    plan_id,
    {{ month_code('credit_date') }} as period_code,
    currency_code,
    sum(credited_amount) as credited_amount
  from credits
  group by plan_id, {{ month_code('credit_date') }}, currency_code
),

credited_deals as (
  select distinct
    plan_id,
    transaction_id
  from credits
),

deal_values as (
  select
    valued.plan_id,
    {{ month_code('valued.credit_date') }} as period_code,
    valued.currency_code,
    sum(valued.value_amount) as deal_value_amount,
    count(*) as deal_count
  from {{ ref('int_valuation__values') }} as valued
  inner join credited_deals
    on
      valued.plan_id = credited_deals.plan_id
      and valued.transaction_id = credited_deals.transaction_id
  group by valued.plan_id, {{ month_code('valued.credit_date') }}, valued.currency_code
),

budget_months as (
  select
    budgets.plan_id,
    months.window_code as period_code,
    budgets.currency_code,
    cast(budgets.amount as decimal(38, 4)) as wide_amount,
    {{ dbt.datediff('budgets.valid_from', 'months.window_to', 'month') }} as months_to_date,
    {{ dbt.datediff('budgets.valid_from', 'budgets.valid_to', 'month') }} as months_of_budget
  from budgets
  inner join months on {{ in_force('months.window_from', 'budgets') }}
),

-- Differences of rounded running totals: the months add up to the budget.
spread as (
  select
    budget_months.plan_id,
    budget_months.period_code,
    budget_months.currency_code,
    {{ round_money(ratio('wide_amount * months_to_date', 'months_of_budget', 4, 0), 'minor_unit') }}
    - {{ round_money(ratio('wide_amount * (months_to_date - 1)', 'months_of_budget', 4, 0), 'minor_unit') }}
      as budget_amount
  from budget_months
  inner join currencies on budget_months.currency_code = currencies.currency_code
),

monthly_totals as (
  select * from costs
  union all by name
  select * from credited
  union all by name
  select * from deal_values
  union all by name
  select * from spread
),

plan_months as (
  select
    plan_id,
    period_code,
    currency_code,
    {{ first_of_month('period_code') }} as period_from,
    coalesce(sum(credited_amount), 0) as credited_amount,
    coalesce(sum(deal_value_amount), 0) as deal_value_amount,
    coalesce(sum(deal_count), 0)::bigint as deal_count,
    coalesce(sum(commission_amount), 0) as commission_amount,
    coalesce(sum(payee_count), 0)::bigint as payee_count,
    sum(budget_amount) as budget_amount
  from monthly_totals
  group by plan_id, period_code, currency_code
),

to_date as (
  select
    plan_months.*,
    currencies.minor_unit,
    sum(plan_months.commission_amount) over year_to_date as year_to_date_commission_amount,
    sum(plan_months.credited_amount) over year_to_date as year_to_date_credited_amount,
    sum(plan_months.budget_amount) over year_to_date as year_to_date_budget_amount,
    sum(case when plan_months.budget_amount is not null then plan_months.commission_amount end) over year_to_date
      as year_to_date_budgeted_amount
  from plan_months
  inner join currencies on plan_months.currency_code = currencies.currency_code
  window year_to_date as (
    partition by plan_months.plan_id, plan_months.currency_code, extract(year from plan_months.period_from)
    order by plan_months.period_code rows between unbounded preceding and current row
  )
),

final as (
  select
    (plan_id || '|' || period_code || '|' || currency_code)::varchar as plan_cost_key,
    plan_id::varchar as plan_id,
    period_code::varchar as period_code,
    period_from::date as period_from,
    currency_code::varchar as currency_code,
    deal_count::bigint as deal_count,
    payee_count::bigint as payee_count,
    deal_value_amount::decimal(28, 10) as deal_value_amount,
    credited_amount::decimal(28, 10) as credited_amount,
    commission_amount::decimal(18, 4) as commission_amount,
    ({{ ratio('commission_amount', 'credited_amount', 4, 10) }})::decimal(28, 10) as effective_rate,
    ({{ ratio('commission_amount', 'deal_value_amount', 4, 10) }})::decimal(28, 10) as deal_value_rate,
    ({{ round_money(ratio('commission_amount', 'payee_count', 4, 0), 'minor_unit') }})::decimal(18, 4)
      as average_payee_amount,
    year_to_date_credited_amount::decimal(28, 10) as year_to_date_credited_amount,
    year_to_date_commission_amount::decimal(18, 4) as year_to_date_commission_amount,
    ({{ ratio('year_to_date_commission_amount', 'year_to_date_credited_amount', 4, 10) }})::decimal(28, 10)
      as year_to_date_effective_rate,
    budget_amount::decimal(18, 4) as budget_amount,
    year_to_date_budget_amount::decimal(18, 4) as year_to_date_budget_amount,
    year_to_date_budgeted_amount::decimal(18, 4) as year_to_date_budgeted_amount,
    (year_to_date_budget_amount - year_to_date_budgeted_amount)::decimal(18, 4) as budget_left_amount,
    (
      case
        when year_to_date_budget_amount is null then 'no_budget'
        when year_to_date_budgeted_amount > year_to_date_budget_amount then 'over_budget'
        else 'within_budget'
      end
    )::varchar as budget_status_code
  from to_date
)

select * from final
