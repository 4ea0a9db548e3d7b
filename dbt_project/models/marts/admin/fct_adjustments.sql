-- Shows each manual adjustment, who asked for it, who decided, and whether it was reversed.
-- Grain: one row per adjustment.
with

adjustments as (
  select * from {{ ref('int_ledger__adjustments') }}
)

select * from adjustments
