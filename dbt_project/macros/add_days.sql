{# A day moved by whole days, as a date. #}
{% macro add_days(day, days) -%}
  cast({{ dbt.dateadd('day', days, day) }} as date)
{%- endmacro %}
