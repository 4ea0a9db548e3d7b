-- Question: Who are the ten payees paid most, year to date?
-- Metrics: plan_cost by payee, payee__full_name, since the first month of the year
select
  payees.full_name,
  payees.job_title,
  sum(payouts.payout_amount)::decimal(38, 2) as paid,
  payouts.currency_code
from marts.fct_payouts as payouts
inner join marts.dim_payees as payees on payouts.payee_id = payees.payee_id
inner join marts.dim_periods as periods on payouts.period_code = periods.period_code
where
  periods.year_code = (
    select max(calendar.year_code)
    from marts.dim_dates as calendar
    where calendar.is_calculated
  )
group by payees.payee_id, payees.full_name, payees.job_title, payouts.currency_code
order by paid desc, payees.payee_id asc
limit 10
