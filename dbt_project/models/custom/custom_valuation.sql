-- Extension point of valuation: values of your own, in the unit of the plan's value_expression, which they replace.
-- Grain: one row per transaction and plan. Rule: docs/extending.md
select
  cast(null as varchar) as plan_id,
  cast(null as varchar) as transaction_id,
  cast(null as decimal(28, 10)) as native_value_amount,
  cast(null as decimal(28, 10)) as native_payable_amount
where false
