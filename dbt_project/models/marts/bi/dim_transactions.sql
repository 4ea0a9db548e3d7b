-- Describes every transaction of the data pool and says where it came from.
-- Grain: one row per transaction.
with

transactions as (
  select * from {{ ref('int_pool__transactions') }}
)

select * from transactions
