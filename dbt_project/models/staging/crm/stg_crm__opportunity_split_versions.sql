-- Keeps every landed version of each opportunity split with when it was landed and replaced, all fields under the CRM's own
-- names; none where var crm_system names another CRM.
-- Grain: one row per split and landed version.
with

landed_rows as (
  {% if var('crm_system') == 'files' %}
    select
      columns(lambda name: name <> '_row_hash' and not starts_with(name, '_dlt_')),
      _dlt_valid_from as _version_from,
      _dlt_valid_to as _version_to
    from {{ source('crm', 'OpportunitySplit') }}
  {% else %}
    select
      null::varchar as "Id",
      null::varchar as "OpportunityId",
      null::varchar as "SplitType",
      null::varchar as "SplitOwnerId",
      null::decimal(28, 8) as "SplitPercentage",
      null::decimal(28, 8) as "SplitAmount",
      null::boolean as "IsDeleted",
      null::varchar as _source_file,
      null::bigint as _source_row,
      null::timestamptz as _version_from,
      null::timestamptz as _version_to
    where false
  {% endif %}
)

select *
from landed_rows
