{# Rows of a seed as dictionaries in a fixed order; empty while dbt only parses. #}
{% macro seed_rows(seed, order_by) -%}
  {%- if not execute -%}{{ return([]) }}{%- endif -%}
  {{ return(run_query("select * from " ~ ref(seed) ~ " order by " ~ order_by).rows) }}
{%- endmacro %}

{# Names of the @@variables that expressions use, each once, alphabetically. #}
{% macro variable_names(expressions) -%}
  {%- set found = [] -%}
  {%- for expression in expressions if expression -%}
    {%- do found.extend(modules.re.findall('@@([A-Za-z0-9_]+)', expression)) -%}
  {%- endfor -%}
  {{ return(found | unique | sort) }}
{%- endmacro %}

{# An expression with each @@Name as the column that holds its value: @@Quota is "@@Quota". #}
{% macro with_variable_columns(expression) -%}
  {{ return(modules.re.sub('@@([A-Za-z0-9_]+)', '"@@\\1"', expression)) }}
{%- endmacro %}

{# A condition that holds where a variable has no value. #}
{% macro is_variable_missing(names) -%}
  {%- if not names -%}false
  {%- else -%}({%- for name in names %}"@@{{ name }}" is null{{ ' or ' if not loop.last }}{% endfor -%})
  {%- endif -%}
{%- endmacro %}
