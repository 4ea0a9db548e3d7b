-- Keeps the latest version of each job information row under the source's own field names; from BambooHR
-- where var hris_system says so.
-- Grain: one row an employee and effective date.
with

current_rows as (
  {% if var('hris_system') == 'bamboohr' %}
    select * from {{ ref('stg_bamboohr__job_info') }}
  {% else %}
    {{ current_rows(source('hris', 'job_info'), ['"employeeId"', '"date"']) }}
  {% endif %}
)

select *
from current_rows
