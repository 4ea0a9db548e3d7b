-- Question: Which deals were paid at an accelerator?
-- Shows: credits of which a part is above the first tier, the ten with the most commission there.
select
  credits.plan_id,
  pool.source_record_id as deal,
  payees.full_name,
  credits.window_code,
  max(tiers.tier_number) as highest_tier,
  round(sum(tiers.tier_value_amount), 2) as value_above,
  sum(tiers.tier_commission_amount) as commission_above,
  credits.currency_code
from marts.rpt_commission_tiers as tiers
inner join marts.fct_credits as credits on tiers.credit_id = credits.credit_id
inner join marts.dim_transactions as pool on credits.transaction_id = pool.transaction_id
inner join marts.dim_payees as payees on credits.payee_id = payees.payee_id
where tiers.tier_number > 1
group by
  credits.plan_id, pool.source_record_id, payees.full_name, credits.window_code, credits.currency_code,
  credits.credit_id
order by commission_above desc, credits.credit_id asc
limit 10
