{# Who builds: a run compares it with its own record, and takes nothing for built where somebody ran dbt by hand since. #}
{% macro note_invocation() -%}
  create or replace table main.last_invocation as select '{{ invocation_id }}' as invocation_id
{%- endmacro %}
