-- Keeps the latest version of each territory membership under the source's own field names; from the system
-- that var hris_system names.
-- Grain: one row per employee, territory and start date.
with

current_rows as (
  {% if var('hris_system') == 'files' %}
    {{ current_rows(source('hris', 'territory_history'), ['"employeeId"', '"territoryId"', '"startDate"']) }}
  {% else %}
    select * from {{ ref('stg_' ~ var('hris_system') ~ '__territory_history') }}
  {% endif %}
)

select *
from current_rows
