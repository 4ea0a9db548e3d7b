-- Lists the employments and leaves that the HR system tells; from the system that var hris_system names. A system that keeps
-- one hire date and one leaving date tells earlier employments by the versions that were landed before.
-- Grain: one row per employee, kind and first day.
with

spans as (
  {% if var('hris_system') == 'files' %}
    {{ employment_from_versions(
      source('hris', 'employees'), 'id', '"hireDate"', '"terminationDate"', var('hris_time_zone')
    ) }}
  {% else %}
    select * from {{ ref('stg_' ~ var('hris_system') ~ '__employment_spans') }}
  {% endif %}
)

select
  "employeeId"::varchar as employee_id,
  employment_code::varchar as employment_code,
  valid_from::date as valid_from,
  valid_to::date as valid_to
from spans
