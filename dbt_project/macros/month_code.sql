{# The calendar month of a day as YYYY-MM. #}
{% macro month_code(day) -%}
  cast(extract(year from {{ day }}) as varchar) || '-' || lpad(cast(extract(month from {{ day }}) as varchar), 2, '0')
{%- endmacro %}
