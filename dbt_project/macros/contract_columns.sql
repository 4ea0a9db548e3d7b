{# The names of the columns of a model's contract. #}
{% macro contract_columns(model_name) -%}
  {{ return(graph.nodes['model.commissions.' ~ model_name].columns.keys() | list if execute else []) }}
{%- endmacro %}
