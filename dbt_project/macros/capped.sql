{# An amount that goes no further from 0 than its limit, on the limit's side. #}
{% macro capped(amount, limit) -%}
  case
    when {{ limit }} >= 0
      then least(cast({{ amount }} as decimal(38, 10)), cast({{ limit }} as decimal(38, 10)))
    else greatest(cast({{ amount }} as decimal(38, 10)), cast({{ limit }} as decimal(38, 10)))
  end
{%- endmacro %}
