-- Shows how each credit's commission is made: the part of it that lies in each tier, times that tier's rate.
-- Grain: one row a credit and tier touched.
with

credit_tiers as (
  select * from {{ ref('int_rewards__credit_tiers') }}
)

select * from credit_tiers
