{# Creates the function divide(numerator, denominator) that plan expressions call instead of the sign "/":
   the exact quotient of two numbers, cut at the 10th decimal; null where the denominator is 0. #}
{% macro create_divide() -%}
  {{ return(adapter.dispatch('create_divide', 'commissions')()) }}
{%- endmacro %}

{% macro default__create_divide() -%}
  create or replace macro divide(numerator, denominator) as
    {{ commissions.ratio('cast(numerator as decimal(28, 10))', 'cast(denominator as decimal(28, 10))') }}
{%- endmacro %}
