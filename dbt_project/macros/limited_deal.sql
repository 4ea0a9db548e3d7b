{# A deal's total within floor_amount and cap_amount of the row (null = none). #}
{% macro limited_deal(amount) -%}
  case
    when {{ amount }} > 0
      then least(
        greatest(cast({{ amount }} as decimal(38, 20)), cast(coalesce(floor_amount, 0) as decimal(38, 20))),
        cast(coalesce(cap_amount, {{ amount }} + coalesce(floor_amount, 0)) as decimal(38, 20))
      )
    else greatest(
      cast({{ amount }} as decimal(38, 20)), cast(-coalesce(cap_amount, -({{ amount }})) as decimal(38, 20))
    )
  end
{%- endmacro %}
