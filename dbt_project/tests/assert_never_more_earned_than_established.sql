-- Invariant 7: what has become due on a credit lies between nothing and the commission that its booking
-- established.
select
  credit_id,
  commission_amount,
  earned_amount
from {{ ref('fct_credits') }}
where
  earned_amount * sign(commission_amount) < 0
  or abs(earned_amount) > abs(commission_amount)
