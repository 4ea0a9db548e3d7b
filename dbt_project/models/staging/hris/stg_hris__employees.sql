-- Keeps the latest version of each employee under the source's own field names; from the system
-- that var hris_system names.
-- Grain: one row per employee.
with

current_rows as (
  {% if var('hris_system') == 'files' %}
    {{ current_rows(source('hris', 'employees'), ['id']) }}
  {% else %}
    select * from {{ ref('stg_' ~ var('hris_system') ~ '__employees') }}
  {% endif %}
)

select *
from current_rows
