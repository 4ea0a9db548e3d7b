-- Keeps each opportunity split's latest version, all fields under the CRM's own names; none where var crm_system names
-- another CRM.
-- Grain: one row per split.
with

current_rows as (
  {% if var('crm_system') == 'files' %}
    {{ current_rows(source('crm', 'OpportunitySplit'), ['"Id"']) }}
  {% else %}
    select
      null::varchar as "Id",
      null::varchar as "OpportunityId",
      null::varchar as "SplitType",
      null::varchar as "SplitOwnerId",
      null::decimal(28, 8) as "SplitPercentage",
      null::decimal(28, 8) as "SplitAmount",
      null::boolean as "IsDeleted",
      null::boolean as is_deleted_in_source,
      null::varchar as _source_file,
      null::bigint as _source_row
    where false
  {% endif %}
)

select *
from current_rows
