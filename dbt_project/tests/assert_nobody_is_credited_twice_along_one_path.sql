-- Invariant 2: one plan credits a payee at most once for one transaction, however the paths meet.
select
  plan_id,
  transaction_id,
  payee_id,
  count(*) as credit_count
from {{ ref('int_crediting__credits') }}
group by plan_id, transaction_id, payee_id
having count(*) > 1
