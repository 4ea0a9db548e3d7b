-- Shows how each credit's commission is made: the part of it that each tier prices, and
-- that tier's rate (before gates, multipliers, floors and caps).
-- Grain: one row per credit and tier touched.
with

credit_tiers as (
  select * from {{ ref('int_rewards__tier_commissions') }}
)

select * from credit_tiers
