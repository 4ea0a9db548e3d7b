{# What a row adds to its running total once the total is capped: the capped total with it less the one without it. A cap
   of null is none. #}
{% macro capped_difference(after_amount, amount, cap_amount) -%}
  case
    when {{ cap_amount }} is null then {{ amount }}
    else
      least(cast({{ after_amount }} as decimal(38, 20)), cast({{ cap_amount }} as decimal(38, 20)))
      - least(cast({{ after_amount }} - {{ amount }} as decimal(38, 20)), cast({{ cap_amount }} as decimal(38, 20)))
  end
{%- endmacro %}
