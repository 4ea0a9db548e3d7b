{# An amount as text with the decimals of its currency's minor unit: 12.5 in dollars is 12.50, in yen 13. #}
{% macro amount_text(amount, minor_unit) -%}
  case {{ minor_unit }}
    {%- for digits in [0, 2, 3, 4] %}
    when {{ digits }} then cast(round({{ amount }}, {{ digits }})::decimal(18, {{ digits }}) as varchar)
    {%- endfor %}
  end
{%- endmacro %}
