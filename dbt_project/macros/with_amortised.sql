{# The relation with `amortised_amount`: the part of a contract's cost that is expensed by the end of a month, rounded to the minor
   unit. Months are counted from the first month of amortisation, which is 0; the relation has the columns of
   fct_contract_cost_segments and `month_column`, the month in question.

   Impaired: all of it. Prospective: what was booked before the stretch, and of the rest the months elapsed in it over the months
   left at its start; the asset never becomes negative, so a cost below what was booked is followed at once. Catch-up: the cost
   times the share of the benefit that has passed, as if it had always been so.

   Each step is a query of its own, because DuckDB binds a column once, and an expression as often as it is written. #}
{% macro with_amortised(relation, month_column) -%}
(
  select
    * exclude (amortised_to_date),
    {{ commissions.round_money('amortised_to_date', 'minor_unit', 10) }} as amortised_amount
  from (
    select
      * exclude (
        span_months, passed_months, left_months, elapsed_months, is_followed,
        start_amount, apart_amount, apart_numerator, apart_denominator
      ),
      cast(case
        when is_followed then cost_amount
        when cost_change_code <> 'catch_up' and elapsed_months <= 0 then booked_before_amount
        else start_amount
          + {{ commissions.ratio_of_product('apart_amount', 'apart_numerator', 'apart_denominator', 4, 0, 0) }}
      end as decimal(28, 10)) as amortised_to_date
    from (
      select
        *,
        case when cost_change_code = 'catch_up' then 0 else booked_before_amount end as start_amount,
        cast(case
          when cost_change_code = 'catch_up' then cost_amount
          else cost_amount - booked_before_amount
        end as decimal(19, 4)) as apart_amount,
        case
          when cost_change_code = 'catch_up' then {{ commissions.share_numerator_at('passed_months', 'span_months') }}
          else cast(elapsed_months as decimal(18, 0))
        end as apart_numerator,
        case
          when cost_change_code = 'catch_up' then {{ commissions.share_denominator_at('span_months') }}
          else cast(left_months as decimal(18, 0))
        end as apart_denominator
      from (
        select
          *,
          case
            when is_impaired then true
            when cost_change_code = 'catch_up' then span_months <= 0 or passed_months >= span_months
            when left_months <= 0 or elapsed_months >= left_months then true
            when elapsed_months <= 0 then false
            else sign(cost_amount) * sign(cost_amount - booked_before_amount) <= 0
          end as is_followed
        from (
          select
            *,
            benefit_months - greatest(share_month_number, 0) as span_months,
            {{ month_column }} - greatest(share_month_number, 0) + 1 as passed_months,
            benefit_months - greatest(month_number, 0) as left_months,
            {{ month_column }} - greatest(month_number, 0) + 1 as elapsed_months
          from {{ relation }}
        )
      )
    )
  )
)
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
