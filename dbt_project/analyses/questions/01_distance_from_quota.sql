-- Question: Who is how far from quota?
-- Shows: each payee's latest window with a quota that has begun.
-- Metrics: attainment, attained_value, quota by plan, payee, attainment_window__window_code
with

begun as (
  select
    *,
    rank() over (partition by plan_id, payee_id order by window_from desc) as recency
  from marts.rpt_attainment
  where quota_amount is not null and window_from <= (
    select max(calendar.calendar_date)
    from marts.dim_dates as calendar
    where calendar.is_calculated
  )
)

select
  begun.plan_id,
  payees.full_name,
  begun.window_code,
  begun.window_to,
  round(begun.attained_amount, 2) as attained,
  round(begun.quota_amount, 2) as quota,
  round(greatest(begun.quota_amount - begun.attained_amount, 0), 2) as missing,
  round(begun.attainment_ratio, 4) as attainment_ratio,
  begun.currency_code
from begun
inner join marts.dim_payees as payees on begun.payee_id = payees.payee_id
where begun.recency = 1
order by begun.attainment_ratio desc, begun.plan_id asc, begun.payee_id asc
