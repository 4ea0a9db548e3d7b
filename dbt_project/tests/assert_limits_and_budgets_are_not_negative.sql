-- A negative limit or budget would make every payout a jump, or every plan too dear.
-- Fix: write the amount without its sign in the named file of seeds/operations.
select
  'jump_limits.csv' as file_name,
  currency_code as row_name
from {{ ref('jump_limits') }}
where
  jump_ratio < 0
  or amount_min < 0
union all
select
  'plan_budgets.csv' as file_name,
  plan_id as row_name
from {{ ref('plan_budgets') }}
where amount < 0
