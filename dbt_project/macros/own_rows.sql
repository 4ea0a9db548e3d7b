{# The company's own models by the stage that their rows belong to. #}
{% macro own_models() -%}
  {{ return(var('own_models')) }}
{%- endmacro %}

{# The columns of the contract of the model that asks, with their types. #}
{% macro contract_types() -%}
  {%- set types = {} -%}
  {%- for column in model.columns.values() -%}
    {%- do types.update({column.name: column.data_type}) -%}
  {%- endfor -%}
  {{ return(types) }}
{%- endmacro %}

{# One select per own model of a stage, with the columns of the contract of the model that asks; no rows where there is none. #}
{% macro own_rows(stage) -%}
  {%- set types = commissions.contract_types() -%}
  {%- for name in commissions.own_models().get(stage) or [] %}
select
    {%- for column, type in types.items() %}
  {{ column }}::{{ type }} as {{ column }}{{ ',' if not loop.last }}
    {%- endfor %}
from {{ ref(name) }}
union all
  {%- endfor %}
{{ commissions.no_rows(types or {'plan_id': 'varchar'}) }}
{%- endmacro %}
