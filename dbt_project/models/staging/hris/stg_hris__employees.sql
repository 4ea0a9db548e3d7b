-- Keeps the latest version of each employee under the source's own field names; from BambooHR
-- where var hris_system says so.
-- Grain: one row an employee.
with

current_rows as (
  {% if var('hris_system') == 'bamboohr' %}
    select * from {{ ref('stg_bamboohr__employees') }}
  {% else %}
    {{ current_rows(source('hris', 'employees'), ['id']) }}
  {% endif %}
)

select *
from current_rows
