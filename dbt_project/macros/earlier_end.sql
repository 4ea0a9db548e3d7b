{# The earlier of two range ends, null = open. #}
{% macro earlier_end(first_end, second_end) -%}
  case
    when {{ first_end }} is null then {{ second_end }}
    when {{ second_end }} is null then {{ first_end }}
    else least({{ first_end }}, {{ second_end }})
  end
{%- endmacro %}
