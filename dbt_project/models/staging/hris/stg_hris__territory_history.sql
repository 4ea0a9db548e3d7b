-- Keeps the latest version of each territory membership under the source's own field names; from BambooHR
-- where var hris_system says so.
-- Grain: one row an employee, territory and start date.
with

current_rows as (
  {% if var('hris_system') == 'bamboohr' %}
    select * from {{ ref('stg_bamboohr__territory_history') }}
  {% else %}
    {{ current_rows(source('hris', 'territory_history'), ['"employeeId"', '"territoryId"', '"startDate"']) }}
  {% endif %}
)

select *
from current_rows
