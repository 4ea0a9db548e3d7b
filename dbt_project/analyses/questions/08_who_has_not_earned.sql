-- Question: Who is on a plan and has not earned in the quarter?
-- Shows: payees with a window in the last calculated quarter under a plan that posts nothing for them in it.
with

quarters as (
  select
    quarter_code,
    min(calendar_date) as first_date,
    max(calendar_date) as last_date
  from marts.dim_dates
  group by quarter_code
),

last_quarter as (
  select *
  from quarters
  where quarter_code = (
    select max(calendar.quarter_code)
    from marts.dim_dates as calendar
    where calendar.is_calculated
  )
),

paid as (
  select distinct
    payouts.payee_id,
    payouts.plan_id
  from marts.fct_payouts as payouts
  inner join marts.dim_periods as periods on payouts.period_code = periods.period_code
  inner join last_quarter on periods.quarter_code = last_quarter.quarter_code
  where payouts.payout_amount <> 0
)

select
  attainment.plan_id,
  payees.full_name,
  last_quarter.quarter_code,
  count(*) as window_count,
  round(sum(attainment.credited_amount), 2) as credited_in_windows
from marts.rpt_attainment as attainment
inner join last_quarter
  on
    attainment.window_from <= last_quarter.last_date
    and (attainment.window_to is null or last_quarter.first_date < attainment.window_to)
inner join marts.dim_payees as payees on attainment.payee_id = payees.payee_id
left join paid on attainment.plan_id = paid.plan_id and attainment.payee_id = paid.payee_id
where paid.payee_id is null
group by attainment.plan_id, attainment.payee_id, payees.full_name, last_quarter.quarter_code
order by attainment.plan_id, attainment.payee_id
