{# True where every filled dimension of a row of the rate table equals the transaction's. #}
{% macro fits_rate(transaction_alias, rate_alias) -%}
  (
    {%- for number in [1, 2, 3] %}
    ({{ rate_alias }}.dimension_{{ number }}_value is null
      or {{ rate_alias }}.dimension_{{ number }}_value = {{ transaction_alias }}.rate_dimension_{{ number }})
    {{- ' and' if not loop.last }}
    {%- endfor %}
  )
{%- endmacro %}
