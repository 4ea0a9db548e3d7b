{# A decimal as text without trailing zeros: 0.0500000000 is 0.05, 12.00 is 12. The type must have decimals. #}
{% macro number_text(number) -%}
  rtrim(rtrim(cast({{ number }} as varchar), '0'), '.')
{%- endmacro %}
