-- Question: How long is it from booking to payout?
-- Shows: days from the booking of the deal to the day on which a payment's commission is due, by plan and year of booking.
select
  ledger.plan_id,
  extract(year from pool.deal_booked_date) as booked_year,
  count(*) as line_count,
  min(ledger.due_date - pool.deal_booked_date) as shortest_days,
  quantile_disc(ledger.due_date - pool.deal_booked_date, 0.5) as median_days,
  quantile_disc(ledger.due_date - pool.deal_booked_date, 0.9) as ninth_decile_days,
  max(ledger.due_date - pool.deal_booked_date) as longest_days
from marts.fct_ledger_lines as ledger
inner join marts.dim_transactions as pool on ledger.transaction_id = pool.transaction_id
where ledger.event_code in ('booking', 'payment')
group by ledger.plan_id, booked_year
order by ledger.plan_id, booked_year
