{# A recipient's part of an amount: the stretch from share_before to share_after of share_of, as a difference of parts
   cut at the 10th decimal, so that all stretches add up to the amount exactly. #}
{% macro share_of_amount(amount) -%}
  case
    when share_before = 0 and share_after = share_of and share_factor = 1 then {{ amount }}
    else {{ commissions.share_up_to(amount, 'share_after') }} - {{ commissions.share_up_to(amount, 'share_before') }}
  end
{%- endmacro %}

{% macro share_up_to(amount, share) -%}
  case
    when {{ share }} = 0 then cast(0 as decimal(28, 10))
    when share_factor = 1 then {{ commissions.ratio_of_product(amount, share, 'share_of') }}
    else {{ commissions.ratio_of_product(
      commissions.ratio_of_product(amount, 'share_factor', '1', 10, 10, 0), share, 'share_of'
    ) }}
  end
{%- endmacro %}
