-- A plan that has cost more this year than seeds/operations/plan_budgets.csv gives it until now: a person should know
-- before the month is released.
{{ config(severity='warn') }}
select *
from {{ ref('rpt_plan_costs') }}
where
  budget_status_code = 'over_budget'
  and date_diff('month', period_from, {{ as_of_date() }}) <= 1
