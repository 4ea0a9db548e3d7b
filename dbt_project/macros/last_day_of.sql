{# The last day of the month, quarter or year in which a day lies. #}
{% macro last_day_of(day, span) -%}
  {{ commissions.add_days(dbt.dateadd(span, 1, "date_trunc('" ~ span ~ "', " ~ day ~ ")"), -1) }}
{%- endmacro %}
