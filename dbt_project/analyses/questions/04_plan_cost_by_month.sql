-- Question: What did each plan cost a month, against the value credited?
-- Shows: the months of the last calculated year; cost by the month that posts, value by the day of the credit.
-- Metrics: plan_cost, credited_value by plan, metric_time__month, where currency_code = 'USD'
with

months as (
  select
    plan_id,
    currency_code,
    posted_period_code as period_code,
    line_amount as cost_amount,
    0 as credited
  from marts.fct_ledger_lines
  union all
  select
    credits.plan_id,
    credits.currency_code,
    dates.period_code,
    0 as cost_amount,
    credits.credited_amount as credited
  from marts.fct_credits as credits
  inner join marts.dim_dates as dates on credits.credit_date = dates.calendar_date
)

select
  months.plan_id,
  months.period_code,
  sum(months.cost_amount)::decimal(38, 2) as cost_amount,
  round(sum(months.credited), 2) as credited,
  months.currency_code
from months
inner join marts.dim_periods as periods on months.period_code = periods.period_code
where
  periods.year_code = (
    select max(calendar.year_code)
    from marts.dim_dates as calendar
    where calendar.is_calculated
  )
group by months.plan_id, months.period_code, months.currency_code
order by months.plan_id, months.period_code, months.currency_code
