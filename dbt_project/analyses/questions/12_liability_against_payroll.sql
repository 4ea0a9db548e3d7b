-- Question: What is owed, and how much of it has payroll counted?
-- Shows: the liability of the books by month, beside what payroll counts and what waits for an approval or a pay cycle.
with

months as (
  select
    period_code,
    currency_code,
    accrued_amount as accrued,
    paid_amount as paid,
    closing_amount as owed_at_end,
    0 as counted,
    0 as waiting
  from marts.rpt_liability_roll_forward
  union all
  select
    period_code,
    currency_code,
    0 as accrued,
    0 as paid,
    0 as owed_at_end,
    counted_amount as counted,
    waiting_amount as waiting
  from marts.fct_payroll_items
)

select
  months.period_code,
  sum(months.accrued)::decimal(38, 2) as accrued,
  sum(months.counted)::decimal(38, 2) as counted_by_payroll,
  sum(months.waiting)::decimal(38, 2) as waiting,
  sum(months.paid)::decimal(38, 2) as paid,
  sum(months.owed_at_end)::decimal(38, 2) as owed_at_end,
  months.currency_code
from months
inner join marts.dim_periods as periods on months.period_code = periods.period_code
where
  periods.year_code = (
    select max(calendar.year_code)
    from marts.dim_dates as calendar
    where calendar.is_calculated
  ) and periods.has_ended
group by months.period_code, months.currency_code
order by months.period_code, months.currency_code
