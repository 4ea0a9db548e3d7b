-- Extension point of crediting: recipients of your own, credited besides those of the plan's credit rules.
-- Grain: one row per transaction, plan and payee. Rule: docs/extending.md
select
  cast(null as varchar) as plan_id,
  cast(null as varchar) as transaction_id,
  cast(null as varchar) as payee_id,
  cast(null as decimal(28, 10)) as share
where false
