-- Shows each transaction by itself: as its deal is today, or, where a payment reaches the deal only in another version, in
-- the first of those.
-- Grain: one row per transaction. Rule: docs/rules/payouts.md
with

transaction_versions as (
  select * from {{ ref('int_pool__transaction_versions') }}
),

shown as (
  select *
  from transaction_versions
  qualify row_number() over (partition by transaction_id order by version_code <> 'current', version_code) = 1
)

select * exclude (transaction_version_key, version_code)
from shown
