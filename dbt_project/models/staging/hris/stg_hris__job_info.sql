-- Keeps the latest version of each job information row under the source's own field names; from the system
-- that var hris_system names.
-- Grain: one row per employee and effective date.
with

current_rows as (
  {% if var('hris_system') == 'files' %}
    {{ current_rows(source('hris', 'job_info'), ['"employeeId"', '"date"']) }}
  {% else %}
    select * from {{ ref('stg_' ~ var('hris_system') ~ '__job_info') }}
  {% endif %}
)

select *
from current_rows
