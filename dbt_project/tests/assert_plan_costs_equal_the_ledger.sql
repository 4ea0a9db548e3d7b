-- What plans cost is what the ledger posts: by plan, month and currency, and to date.
with

costs as (
  select
    plan_id,
    period_code,
    currency_code,
    commission_amount as amount
  from {{ ref('rpt_plan_costs') }}
),

lines as (
  select
    plan_id,
    posted_period_code as period_code,
    currency_code,
    sum(line_amount) as amount
  from {{ ref('fct_ledger_lines') }}
  group by plan_id, posted_period_code, currency_code
)

select
  coalesce(costs.plan_id, lines.plan_id) as plan_id,
  coalesce(costs.period_code, lines.period_code) as period_code,
  costs.amount as cost_amount,
  lines.amount as ledger_amount
from costs
full outer join lines
  on
    costs.plan_id = lines.plan_id
    and costs.period_code = lines.period_code
    and costs.currency_code = lines.currency_code
where coalesce(costs.amount, 0) <> coalesce(lines.amount, 0)
