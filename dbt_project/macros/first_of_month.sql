{# The first day of a month that is written as YYYY-MM. #}
{% macro first_of_month(period_code) -%}
  cast({{ period_code }} || '-01' as date)
{%- endmacro %}
