-- Keeps the live splits of transactions as they are today: who shares a deal, by percent or by amount.
-- Grain: one row per split.
with

split_versions as (
  select * from {{ ref('int_pool__split_versions') }}
  where version_code = 'current'
)

select * exclude (split_version_key, version_code)
from split_versions
