{# The part of an amount that belongs to `counted` of `whole`, cut at the 10th decimal. Nothing and the whole need no
   division. #}
{% macro share_of_event(amount, counted, whole) -%}
  case
    when {{ amount }} is null then null
    when {{ counted }} = 0 then cast(0 as decimal(28, 10))
    when {{ counted }} = {{ whole }} then cast({{ amount }} as decimal(28, 10))
    else {{ commissions.ratio_of_product(amount, counted, whole) }}
  end
{%- endmacro %}
