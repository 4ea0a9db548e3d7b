{# A list without its nulls, in its order. #}
{% macro filled(values) -%}
  {{ return(adapter.dispatch('filled', 'commissions')(values)) }}
{%- endmacro %}

{% macro default__filled(values) -%}
  list_filter({{ values }}, lambda value: value is not null)
{%- endmacro %}
