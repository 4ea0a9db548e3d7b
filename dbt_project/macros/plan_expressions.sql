{# Plan rows as dictionaries, in file order; empty while dbt only parses. #}
{% macro plan_versions() -%}
  {%- if not execute -%}{{ return([]) }}{%- endif -%}
  {%- set found = run_query(
    "select plan_id, valid_from, source_object, filter_expression, value_expression from "
    ~ ref('plans') ~ " order by plan_id, valid_from"
  ) -%}
  {{ return(found.rows) }}
{%- endmacro %}

{# One select a plan version over the rows of the source object that it names, under the source's own field
   names. `column` is the plan's expression column, `alias` and `data_type` name and type its result. #}
{% macro evaluate_plan_expression(column, alias, data_type) -%}
  {%- set sources = var('transaction_sources') -%}
  {%- for model in sources.values() %}
-- depends_on: {{ ref(model) }}
  {%- endfor %}
-- depends_on: {{ ref('plans') }}
  {%- for plan in commissions.plan_versions() %}
select
  '{{ plan.plan_id }}' as plan_id,
  cast('{{ plan.valid_from }}' as date) as plan_valid_from,
  source.transaction_id,
  cast(({{ plan[column] }}) as {{ data_type }}) as {{ alias }}
from {{ ref(sources[plan.source_object]) }} as source
union all
  {%- endfor %}
select
  cast(null as varchar) as plan_id,
  cast(null as date) as plan_valid_from,
  cast(null as varchar) as transaction_id,
  cast(null as {{ data_type }}) as {{ alias }}
where false
{%- endmacro %}
