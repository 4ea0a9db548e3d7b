{# Rounds half away from zero to the currency's minor unit (ISO 4217). The only place where money is rounded.
   DuckDB wants a constant number of digits, hence one branch a minor unit; each branch is cast by itself,
   because a case over decimals of different scales drops decimals to find a common type. #}
{% macro round_money(amount, minor_unit) -%}
  case {{ minor_unit }}
    {%- for digits in [0, 2, 3, 4] %}
    when {{ digits }} then round({{ amount }}, {{ digits }})::decimal(18, 4)
    {%- endfor %}
  end
{%- endmacro %}
