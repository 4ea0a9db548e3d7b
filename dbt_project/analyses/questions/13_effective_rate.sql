-- Question: What is the effective rate of each plan?
-- Shows: commission established by bookings ÷ value credited, in millionths, cut; by quarter of the last calculated year.
-- Metrics: effective_commission_rate, established_commission, credited_value by plan, metric_time__quarter
select
  credits.plan_id,
  dates.quarter_code,
  round(sum(credits.credited_amount), 2) as credited,
  sum(credits.commission_amount)::decimal(38, 2) as commission,
  (100000000 * sum(credits.commission_amount))::hugeint // (100 * sum(credits.credited_amount))::hugeint
    as rate_in_millionths,
  credits.currency_code
from marts.fct_credits as credits
inner join marts.dim_dates as dates on credits.credit_date = dates.calendar_date
where
  dates.year_code = (
    select max(calendar.year_code)
    from marts.dim_dates as calendar
    where calendar.is_calculated
  )
group by credits.plan_id, dates.quarter_code, credits.currency_code
having sum(credits.credited_amount) <> 0
order by credits.plan_id, dates.quarter_code, credits.currency_code
