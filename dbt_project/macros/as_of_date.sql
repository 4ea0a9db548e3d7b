{# The one clock of the calculation, as a date literal. #}
{% macro as_of_date() -%}
  cast('{{ var("as_of_date") }}' as date)
{%- endmacro %}
