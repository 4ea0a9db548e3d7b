{# The commission curve of a window at the total x, which lies in the tier of the row: base + rate * (x - start), or for
   an interpolated tier base + tier_amount * (x - start) / width, times incentive / quota where the plan has a target
   incentive. Unrounded; quotients are exact and cut at the 10th decimal. The row has the columns of
   int_rewards__tier_curves. #}
{% macro curve_at(x) -%}
  case
    when is_scaled
      then cast({{ commissions.scaled(commissions.straight_at(x)) }} as decimal(38, 20))
    when tier_amount is not null
      then base_amount + cast({{ commissions.ratio(
        'cast(tier_amount as decimal(38, 4)) * cast(' ~ x ~ ' - start_amount as decimal(38, 10))',
        'cast(end_amount - start_amount as decimal(28, 10))', 14, 10
      ) }} as decimal(38, 20))
    else {{ commissions.straight_at(x) }}
  end
{%- endmacro %}

{% macro straight_at(x) -%}
  base_amount + cast(cast({{ x }} - start_amount as decimal(38, 10)) * rate as decimal(38, 20))
{%- endmacro %}

{# An amount times incentive / quota. The amount is held at 10 decimals, incentive and quota at 4. #}
{% macro scaled(amount) -%}
  {{ commissions.ratio(
    'cast(' ~ commissions.cut_at_ten(amount) ~ ' as decimal(38, 10)) * cast(scale_numerator as decimal(38, 4))',
    'cast(scale_denominator as decimal(28, 4))', 14, 4
  ) }}
{%- endmacro %}

{# An amount of 20 decimals cut at the 10th. #}
{% macro cut_at_ten(amount) -%}
  {{ commissions.ratio('cast(' ~ amount ~ ' as decimal(38, 20))', '1', 20, 0) }}
{%- endmacro %}
