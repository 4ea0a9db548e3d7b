-- Question: Which earlier months were corrected, and why?
-- Shows: lines that an open month posts for a closed one.
-- Metrics: corrections by ledger_line__reason_code, ledger_line__origin_period_code, metric_time__month
select
  ledger.posted_period_code,
  ledger.origin_period_code,
  ledger.plan_id,
  reasons.reason_code,
  reasons.reason_description,
  count(*) as line_count,
  sum(ledger.line_amount)::decimal(38, 2) as amount,
  ledger.currency_code
from marts.fct_ledger_lines as ledger
inner join marts.dim_reasons as reasons on ledger.reason_code = reasons.reason_code
group by
  ledger.posted_period_code, ledger.origin_period_code, ledger.plan_id, reasons.reason_code, reasons.reason_description,
  ledger.currency_code
order by ledger.posted_period_code, ledger.origin_period_code, ledger.plan_id, reasons.reason_code, ledger.currency_code
