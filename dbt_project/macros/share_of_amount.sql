{# A recipient's part of an amount: the stretch from share_before to share_after of share_of, as a difference of parts
   cut at the 10th decimal, so that all stretches add up to the amount exactly. #}
{% macro share_of_amount(amount) -%}
  case
    when share_before = 0 and share_after = share_of and share_factor = 1 then {{ amount }}
    else
      {{ commissions.ratio(commissions.share_product(amount, 'share_after'), 'share_of', 20, 10) }}
      - case
        when share_before = 0 then cast(0 as decimal(28, 10))
        else {{ commissions.ratio(commissions.share_product(amount, 'share_before'), 'share_of', 20, 10) }}
      end
  end
{%- endmacro %}

{% macro share_product(amount, share) -%}
  case
    when share_factor = 1 then cast({{ amount }} as decimal(38, 10)) * {{ share }}
    else cast({{ commissions.ratio('cast(' ~ amount ~ ' as decimal(38, 10)) * share_factor', '1', 20, 0) }} as decimal(38, 10)) * {{ share }}
  end
{%- endmacro %}
