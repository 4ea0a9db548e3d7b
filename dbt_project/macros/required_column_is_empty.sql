{# A condition that holds where a column is empty that a model's contract requires (not_null). #}
{% macro required_column_is_empty(model_name) -%}
  {%- set conditions = ['false'] -%}
  {%- if execute -%}
    {%- for column in graph.nodes['model.commissions.' ~ model_name].columns.values() -%}
      {%- if column.constraints | selectattr('type', 'equalto', 'not_null') | list -%}
        {%- do conditions.append(column.name ~ ' is null') -%}
      {%- endif -%}
    {%- endfor -%}
  {%- endif -%}
  ({{ conditions | join(' or ') }})
{%- endmacro %}
