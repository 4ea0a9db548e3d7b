{# Commission earned once the capped amount is collected: its share of the deal's amount, cut at the 6th decimal. Nothing
   and the whole need no division, and are most payments. #}
{% macro earned_at(capped_amount) -%}
  case
    when {{ capped_amount }} = 0 then cast(0 as decimal(28, 10))
    when {{ capped_amount }} = transaction_amount then cast(commission_amount as decimal(28, 10))
    else {{ commissions.ratio_of_product('commission_amount', capped_amount, 'transaction_amount', 4, 10, 10, 6) }}
  end
{%- endmacro %}
