-- Question: What is withheld, and when is it likely due?
-- Shows: withheld commission by the month in which customers of that plan have usually paid: booking plus the median of days
-- from booking to payment; overdue = that day has passed.
-- Metrics: withheld_commission by plan
with

last_days as (
  select max(calendar_date) as last_date from marts.dim_dates
  where is_calculated
),

paid_deals as (
  select
    ledger.plan_id,
    cast(quantile_disc(ledger.event_date - pool.deal_booked_date, 0.5) as integer) as usual_days
  from marts.fct_ledger_lines as ledger
  inner join marts.dim_transactions as pool on ledger.transaction_id = pool.transaction_id
  where ledger.event_code = 'payment'
  group by ledger.plan_id
)

select
  deals.plan_id,
  case
    when deals.booked_date + paid_deals.usual_days <= last_days.last_date then 'overdue'
    else strftime(deals.booked_date + paid_deals.usual_days, '%Y-%m')
  end as likely_due,
  paid_deals.usual_days,
  count(*) as commission_count,
  sum(deals.withheld_amount)::decimal(38, 2) as withheld,
  min(deals.expires_date) as first_expires,
  deals.currency_code
from marts.rpt_withheld_deals as deals
cross join last_days
left join paid_deals on deals.plan_id = paid_deals.plan_id
where deals.withheld_amount <> 0
group by deals.plan_id, likely_due, paid_deals.usual_days, deals.currency_code
order by deals.plan_id, likely_due, deals.currency_code
