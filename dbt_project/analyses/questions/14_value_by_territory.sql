-- Question: What do territories bring, and what do they cost?
-- Shows: credits of the last calculated year without roll-ups, so that a deal counts once per plan.
-- Metrics: direct_value, established_commission by transaction__territory__territory_name, metric_time__year
select
  coalesce(territories.territory_name, pool.territory_id, 'none') as territory_name,
  count(distinct credits.transaction_id) as deal_count,
  round(sum(credits.credited_amount), 2) as credited,
  sum(credits.commission_amount)::decimal(38, 2) as commission,
  sum(credits.withheld_amount)::decimal(38, 2) as withheld,
  credits.currency_code
from marts.fct_credits as credits
inner join marts.dim_dates as dates on credits.credit_date = dates.calendar_date
inner join marts.dim_transactions as pool on credits.transaction_id = pool.transaction_id
left join marts.dim_territories as territories on pool.territory_id = territories.territory_id
where
  credits.credit_type_code <> 'rollup'
  and dates.year_code = (
    select max(calendar.year_code)
    from marts.dim_dates as calendar
    where calendar.is_calculated
  )
group by coalesce(territories.territory_name, pool.territory_id, 'none'), credits.currency_code
order by credited desc, territory_name asc, credits.currency_code asc
