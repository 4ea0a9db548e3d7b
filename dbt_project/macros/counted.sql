{# What counts as collected of a deal before or after (`position`) a row of int_pool__collections, by the terms that the row
   carries: net or gross, credit memos or not, kept between nothing and the deal's amount (or only from falling below
   nothing, where over-payments earn). #}
{% macro counted(position) -%}
  {%- set total -%}
    case when collected_part_code = 'gross' then gross_collected_{{ position }}_amount else collected_{{ position }}_amount end
    - case
      when rebate_code <> 'collected' then 0
      when collected_part_code = 'gross' then gross_memo_{{ position }}_amount
      else memo_{{ position }}_amount
    end
  {%- endset -%}
  (case
    when overpayment_code = 'earned' and transaction_amount > 0 then greatest({{ total }}, 0)
    when overpayment_code = 'earned' then least({{ total }}, 0)
    when transaction_amount > 0 then least(greatest({{ total }}, 0), transaction_amount)
    else greatest(least({{ total }}, 0), transaction_amount)
  end)::decimal(28, 10)
{%- endmacro %}

{# True where a row of int_pool__collections counts under the terms that it carries: not a credit memo of a plan for which
   memos are not collected. #}
{% macro is_counted() -%}
  (kind_code <> 'credit_memo' or rebate_code = 'collected')
{%- endmacro %}
