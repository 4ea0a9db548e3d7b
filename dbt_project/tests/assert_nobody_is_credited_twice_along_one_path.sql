-- Invariant 2: from one recipient of a rule group, one plan credits a payee at most once for one transaction.
select
  plan_id,
  transaction_id,
  rule_group,
  recipient,
  payee_id,
  count(*) as credit_count
from {{ ref('int_crediting__credits') }}
group by plan_id, transaction_id, rule_group, recipient, payee_id
having count(*) > 1
