{# numerator / denominator as decimal(28, 10), exact and cut towards zero at digit `scale` (10 at most).

   DuckDB divides decimals in floating point, so the division is done on 128-bit integers. Cutting (not
   rounding) matters: a later round_money then rounds the true quotient half away from zero, once.
   numerator_scale (20 at most) and denominator_scale (18 at most) are the numbers of decimals that the sides carry. The
   numerator times 10 ^ (scale + denominator_scale) must fit 38 digits: fewer digits of scale leave room for larger
   amounts. Overflow raises; a zero denominator gives null. #}
{% macro ratio(numerator, denominator, numerator_scale=10, denominator_scale=10, scale=10) -%}
  {{ return(adapter.dispatch('ratio', 'commissions')(numerator, denominator, numerator_scale, denominator_scale, scale)) }}
{%- endmacro %}

{% macro default__ratio(numerator, denominator, numerator_scale, denominator_scale, scale) -%}
  {%- set shift = scale + denominator_scale - numerator_scale -%}
  ((({{ commissions.unscaled(numerator, numerator_scale) }})
    {%- if shift > 0 %} * {{ commissions.power_of_ten(shift) }}::hugeint{% endif %}
    // nullif(({{ commissions.unscaled(denominator, denominator_scale) }})
       {%- if shift < 0 %} * {{ commissions.power_of_ten(-shift) }}::hugeint{% endif %}, 0)
  )::decimal(38, 0) * 0.{{ '0' * (scale - 1) }}1::decimal({{ scale }}, {{ scale }}))::decimal(28, 10)
{%- endmacro %}

{# A decimal as a 128-bit integer of its smallest digit: 5.25 at scale 4 is 52500. The whole part and the fraction are
   shifted apart, because a decimal keeps its scale when it is multiplied; beyond 18 decimals in two steps. #}
{% macro unscaled(amount, scale) -%}
  trunc({{ amount }})::hugeint * {{ commissions.power_of_ten(scale) }}::hugeint
    {%- set fraction = '((' ~ amount ~ ') - trunc(' ~ amount ~ '))::decimal(38, ' ~ scale ~ ')' -%}
    {%- if scale <= 18 %}
    + ({{ fraction }} * {{ commissions.power_of_ten(scale) }}::decimal({{ scale + 1 }}, 0))::hugeint
    {%- else %}
    + (
      ({{ fraction }} * {{ commissions.power_of_ten(10) }}::decimal(11, 0))::decimal(38, {{ scale - 10 }})
      * {{ commissions.power_of_ten(scale - 10) }}::decimal({{ scale - 9 }}, 0)
    )::hugeint
    {%- endif %}
{%- endmacro %}

{% macro power_of_ten(digits) -%}
  1{{ '0' * digits }}
{%- endmacro %}
