-- Keeps the sources' sales events as they are today.
-- Grain: one row per sales event of any source.
with

deal_versions as (
  select * from {{ ref('int_pool__deal_versions') }}
  where version_code = 'current'
)

select * exclude (deal_version_key, version_code)
from deal_versions
