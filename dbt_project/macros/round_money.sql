{# Rounds half away from zero to the currency's minor unit (ISO 4217). The only place where money is rounded.
   DuckDB wants a constant number of digits, hence one branch a minor unit; each branch is cast by itself,
   because a case over decimals of different scales drops decimals to find a common type.
   `scale`: decimals that the amount carries. Up to 10 of them are rounded in 64 bits where the amount fits, which is
   30 times faster and the same. #}
{% macro round_money(amount, minor_unit, scale=20) -%}
  {%- if scale <= 10 -%}
  case
    when {{ commissions.fits_64_bits(amount) }}
      then {{ commissions.round_to_minor_unit('cast((' ~ amount ~ ') as decimal(18, 10))', minor_unit) }}
    else {{ commissions.round_to_minor_unit(amount, minor_unit) }}
  end
  {%- else -%}
  {{ commissions.round_to_minor_unit(amount, minor_unit) }}
  {%- endif -%}
{%- endmacro %}

{% macro round_to_minor_unit(amount, minor_unit) -%}
  case {{ minor_unit }}
    {%- for digits in [0, 2, 3, 4] %}
    when {{ digits }} then round({{ amount }}, {{ digits }})::decimal(18, 4)
    {%- endfor %}
  end
{%- endmacro %}
