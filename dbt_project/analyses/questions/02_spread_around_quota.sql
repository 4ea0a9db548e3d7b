-- Question: How are payees spread around quota?
-- Shows: all windows with a quota, by year of their first day.
-- Metrics: quota_windows by metric_time__year, attainment_window__attainment_band
select
  plan_id,
  extract(year from window_from) as window_year,
  count(*) filter (where 2 * attained_amount < quota_amount) as below_50_percent,
  count(*) filter (where 2 * attained_amount >= quota_amount and attained_amount < quota_amount) as from_50_to_100,
  count(*) filter (where attained_amount >= quota_amount and 2 * attained_amount < 3 * quota_amount) as from_100_to_150,
  count(*) filter (where 2 * attained_amount >= 3 * quota_amount) as from_150_percent
from marts.rpt_attainment
where quota_amount is not null
group by plan_id, extract(year from window_from)
order by plan_id, window_year
