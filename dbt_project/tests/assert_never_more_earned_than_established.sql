-- Invariant 7: what has become due on a credit, after what was taken back, lies between nothing and the commission that
-- it established; only where the plan's terms let over-payments earn may it be more.
with

credits as (
  select * from {{ ref('fct_credits') }}
),

payout_terms as (
  select * from {{ ref('int_parameters__payout_terms') }}
)

select
  credits.credit_id,
  credits.commission_amount,
  credits.earned_amount
from credits
inner join payout_terms
  on
    credits.plan_id = payout_terms.plan_id
    and {{ in_force('credits.credit_date', 'payout_terms') }}
where
  credits.earned_amount * sign(credits.commission_amount) < 0
  or (
    payout_terms.overpayment_code = 'capped'
    and abs(credits.earned_amount) > abs(credits.commission_amount)
  )
