{# The product of a group's factors, in their order, exact: rounded at the 10th decimal after each of them. Null without
   factors. Engines have other names for a fold over a list. #}
{% macro rounded_product(factor, position) -%}
  {{ return(adapter.dispatch('rounded_product', 'commissions')(factor, position)) }}
{%- endmacro %}

{% macro default__rounded_product(factor, position) -%}
  list_reduce(
    list(cast({{ factor }} as decimal(28, 10)) order by {{ position }}),
    lambda product, next: cast(round(product * next, 10) as decimal(28, 10))
  )
{%- endmacro %}
