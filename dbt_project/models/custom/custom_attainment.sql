-- Extension point of attainment: progress of your own, which moves a payee up the tiers without being paid itself.
-- Grain: one row per plan, payee and attainment_id. Rule: docs/extending.md
select
  cast(null as varchar) as plan_id,
  cast(null as varchar) as payee_id,
  cast(null as varchar) as attainment_id,
  cast(null as date) as attained_date,
  cast(null as decimal(28, 10)) as attained_amount
where false
