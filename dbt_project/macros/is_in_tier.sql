{# True where the total x lies in the tier. A bound belongs to the upper tier (lower_inclusive) or to the lower one
   (upper_inclusive); below the first tier is the first tier, beyond the last is the last. #}
{% macro is_in_tier(x, tier_alias) -%}
  (
    (
      {{ tier_alias }}.is_first
      or case {{ tier_alias }}.tier_bound_code
        when 'lower_inclusive' then {{ x }} >= {{ tier_alias }}.start_amount
        else {{ x }} > {{ tier_alias }}.start_amount
      end
    )
    and (
      {{ tier_alias }}.is_last
      or case {{ tier_alias }}.tier_bound_code
        when 'lower_inclusive' then {{ x }} < {{ tier_alias }}.end_amount
        else {{ x }} <= {{ tier_alias }}.end_amount
      end
    )
  )
{%- endmacro %}
