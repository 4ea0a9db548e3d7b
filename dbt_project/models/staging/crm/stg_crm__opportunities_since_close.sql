-- Keeps each version of a won opportunity since it was won, as it was landed or as the CRM's own history tells, all fields
-- under the CRM's own names; from another CRM where var crm_system says so.
-- Grain: one row per won opportunity and version since its close. Rule: docs/rules/valuation.md
with

known_rows as (
  {% if var('crm_system') == 'files' %}
    {{ rows_with_history(source('crm', 'Opportunity')) }}
  {% else %}
    select * from {{ crm_rows('Opportunity', 'opportunities') }}
  {% endif %}
),

rows_since_close as (
  {{ rows_since_close('known_rows', ['"Id"'], "\"StageName\" = 'Closed Won'") }}
)

select
  'crm/Opportunity/' || "Id" as transaction_id,
  *
from rows_since_close
