-- Question: Which won deals earn nothing under any plan, why, and what are they worth?
-- Shows: each deal with the reason of the plan that comes closest: a filter only where all plans filter it out.
-- Metrics: skipped_deals, skipped_value by verdict__reason_code, verdict__currency_code
with

skipped as (
  select
    *,
    count(*) filter (where reason_code <> 'filter_not_met') over (partition by transaction_id) as closer_count
  from marts.rpt_skipped_transactions
  where is_closed_won and not is_credited_elsewhere
)

select
  skipped.source_system,
  skipped.reason_code,
  reasons.reason_description,
  count(distinct skipped.transaction_id) as deal_count,
  round(sum(skipped.transaction_amount), 2) as worth,
  skipped.currency_code
from skipped
inner join marts.dim_reasons as reasons on skipped.reason_code = reasons.reason_code
where skipped.reason_code <> 'filter_not_met' or skipped.closer_count = 0
group by skipped.source_system, skipped.reason_code, reasons.reason_description, skipped.currency_code
order by skipped.source_system, skipped.reason_code, skipped.currency_code
