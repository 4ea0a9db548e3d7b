-- Keeps the cancellations that the calculation has read: a landing changes what comes next, not what is shown.
-- Grain: one row per plan and cancelled deal. Rule: docs/rules/payouts.md
with

landed as (
  select * from {{ ref('int_valuation__landed_cancellations') }}
)

select * from landed
