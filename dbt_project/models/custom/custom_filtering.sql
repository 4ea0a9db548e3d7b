-- Extension point of filtering: verdicts of your own, which replace those of a plan's filter_expression.
-- Grain: one row per transaction and plan. Rule: docs/extending.md
select
  cast(null as varchar) as plan_id,
  cast(null as varchar) as transaction_id,
  cast(null as boolean) as is_filter_met
where false
