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
  {{ commissions.quotient(
    commissions.unscaled(numerator, numerator_scale), denominator, numerator_scale, denominator_scale, scale
  ) }}
{%- endmacro %}

{# first_factor * second_factor / denominator, as ratio() gives it. The product is made of whole numbers, which costs a
   fraction of a product of decimals; it must fit 38 digits. #}
{% macro ratio_of_product(
  first_factor, second_factor, denominator, first_scale=10, second_scale=10, denominator_scale=10, scale=10
) -%}
  {{ return(adapter.dispatch('ratio_of_product', 'commissions')(
    first_factor, second_factor, denominator, first_scale, second_scale, denominator_scale, scale
  )) }}
{%- endmacro %}

{% macro default__ratio_of_product(
  first_factor, second_factor, denominator, first_scale, second_scale, denominator_scale, scale
) -%}
  {{ commissions.quotient(
    '(' ~ commissions.unscaled(first_factor, first_scale) ~ ') * (' ~ commissions.unscaled(second_factor, second_scale) ~ ')',
    denominator, first_scale + second_scale, denominator_scale, scale
  ) }}
{%- endmacro %}

{# The division: of a whole number that counts the smallest digit of the numerator. #}
{% macro quotient(unscaled_numerator, denominator, numerator_scale, denominator_scale, scale) -%}
  {%- set shift = scale + denominator_scale - numerator_scale -%}
  ((({{ unscaled_numerator }})
    {%- if shift > 0 %} * {{ commissions.power_of_ten(shift) }}::hugeint{% endif %}
    // nullif(({{ commissions.unscaled(denominator, denominator_scale) }})
       {%- if shift < 0 %} * {{ commissions.power_of_ten(-shift) }}::hugeint{% endif %}, 0)
  )::decimal(38, 0) * 0.{{ '0' * (scale - 1) }}1::decimal({{ scale }}, {{ scale }}))::decimal(28, 10)
{%- endmacro %}

{# A decimal as a 128-bit integer of its smallest digit: 5.25 at scale 4 is 52500. DuckDB drops the decimals of a 128-bit
   decimal bit by bit, 50 times slower than those of a 64-bit one: what fits 64 bits takes that way. #}
{% macro unscaled(amount, scale) -%}
  {%- if scale > 10 -%}
    {{ commissions.unscaled_wide(amount, scale) }}
  {%- else -%}
    case
      when {{ commissions.fits_64_bits(amount) }} then {{ commissions.unscaled_narrow(amount, scale) }}
      else {{ commissions.unscaled_wide(amount, scale) }}
    end
  {%- endif -%}
{%- endmacro %}

{# True where an amount of at most 10 decimals fits decimal(18, 10). #}
{% macro fits_64_bits(amount) -%}
  ({{ amount }}) > -99999999 and ({{ amount }}) < 99999999
{%- endmacro %}

{# The whole part and the fraction are shifted apart, because a decimal keeps its scale when it is multiplied; beyond the
   8th digit in two steps. #}
{% macro unscaled_narrow(amount, scale) -%}
  {%- set narrow = 'cast((' ~ amount ~ ') as decimal(18, 10))' -%}
  {%- set fraction = 'cast(' ~ narrow ~ ' - trunc(' ~ narrow ~ ') as decimal(18, 10))' -%}
  trunc({{ narrow }})::bigint::hugeint * {{ commissions.power_of_ten(scale) }}::hugeint
    {%- if scale > 8 %}
    + (({{ fraction }} * 100000000)::decimal(18, 2) * {{ commissions.power_of_ten(scale - 8) }})::bigint
    {%- elif scale %}
    + ({{ fraction }} * {{ commissions.power_of_ten(scale) }})::bigint
    {%- endif %}
{%- endmacro %}

{# The same in 128 bits; beyond 18 decimals in two steps. #}
{% macro unscaled_wide(amount, scale) -%}
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
