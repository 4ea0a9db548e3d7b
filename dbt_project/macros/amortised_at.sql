{# The part of a contract's cost that is expensed by the end of a month, rounded to the minor unit. Months are counted from the first
   month of amortisation, which is 0; over the columns of fct_contract_cost_segments.

   Impaired: all of it. Prospective: what was booked before the stretch, and of the rest the months elapsed in it over the months
   left at its start; the asset never becomes negative, so a cost below what was booked is followed at once. Catch-up: the cost
   times the share of the benefit that has passed, as if it had always been so. #}
{% macro amortised_at(month_number) -%}
  {{ commissions.round_money(commissions.amortised_to_date(month_number), 'minor_unit', 10) }}
{%- endmacro %}

{% macro amortised_to_date(month_number) -%}
  {%- set left = '(benefit_months - greatest(month_number, 0))' -%}
  {%- set elapsed = '(' ~ month_number ~ ' - greatest(month_number, 0) + 1)' -%}
  {%- set span = commissions.share_span() -%}
  {%- set passed = '(' ~ month_number ~ ' - greatest(share_month_number, 0) + 1)' -%}
  cast(case
    when is_impaired then cost_amount
    when cost_change_code = 'catch_up'
      then case
        when {{ span }} <= 0 or {{ passed }} >= {{ span }} then cost_amount
        else {{ commissions.ratio_of_product(
          'cost_amount', commissions.share_numerator_at(passed, span), commissions.share_denominator_at(span), 4, 0, 0
        ) }}
      end
    when {{ left }} <= 0 or {{ elapsed }} >= {{ left }} then cost_amount
    when {{ elapsed }} <= 0 then booked_before_amount
    when sign(cost_amount) * sign(cost_amount - booked_before_amount) <= 0 then cost_amount
    else booked_before_amount + {{ commissions.ratio_of_product(
      'cost_amount - booked_before_amount', 'cast(' ~ elapsed ~ ' as decimal(18, 0))',
      'cast(' ~ left ~ ' as decimal(18, 0))', 4, 0, 0
    ) }}
  end as decimal(28, 10))
{%- endmacro %}

{# Months from the last change of the term to the end of the benefit. #}
{% macro share_span() -%}
  (benefit_months - greatest(share_month_number, 0))
{%- endmacro %}

{# The share of the benefit that has passed, as a fraction of whole numbers: that of the earlier terms, and of the rest the months
   passed over the months of the span; all of it where no span is left. #}
{% macro share_numerator_at(passed, span) -%}
  cast(
    case
      when {{ span }} <= 0 then 1
      else share_numerator * {{ span }} + (share_denominator - share_numerator) * least(greatest({{ passed }}, 0), {{ span }})
    end as decimal(18, 0)
  )
{%- endmacro %}

{% macro share_denominator_at(span) -%}
  cast(case when {{ span }} <= 0 then 1 else share_denominator * {{ span }} end as decimal(18, 0))
{%- endmacro %}
