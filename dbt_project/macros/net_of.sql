{# The part of a paid amount that is neither tax nor freight: its share of the invoice's total on the subtotal. Nothing
   and the whole need no division, and are most payments. #}
{% macro net_of(paid_amount) -%}
  case
    when subtotal_amount is null or coalesce(total_amount, 0) = 0 then null
    when {{ paid_amount }} = 0 then cast(0 as decimal(28, 10))
    when {{ paid_amount }} = total_amount then subtotal_amount
    else {{ commissions.ratio_of_product(paid_amount, 'subtotal_amount', 'total_amount', 4, 4, 4) }}
  end
{%- endmacro %}
