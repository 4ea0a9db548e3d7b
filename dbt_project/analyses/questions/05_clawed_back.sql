-- Question: What was clawed back, and why?
-- Shows: ledger lines that take back, by plan, year and what happened.
-- Metrics: clawed_back by plan, ledger_line__event_code, metric_time__year
select
  ledger.plan_id,
  periods.year_code as posted_year,
  ledger.event_code,
  coalesce(clawbacks.cause_code, ledger.event_code) as cause,
  count(*) as line_count,
  count(distinct ledger.transaction_id) as deal_count,
  sum(ledger.line_amount)::decimal(38, 2) as amount,
  ledger.currency_code
from marts.fct_ledger_lines as ledger
inner join marts.dim_periods as periods on ledger.posted_period_code = periods.period_code
left join marts.rpt_clawbacks as clawbacks on ledger.line_key = clawbacks.line_key
where ledger.event_code in ('clawback', 'clawback_return', 'refund')
group by
  ledger.plan_id,
  periods.year_code,
  ledger.event_code,
  coalesce(clawbacks.cause_code, ledger.event_code),
  ledger.currency_code
order by ledger.plan_id, posted_year, ledger.event_code, cause, ledger.currency_code
