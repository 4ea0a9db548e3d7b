{# Stops a run in which a model of the company's own would have no effect, or not the one that is meant: nothing reads it, its
   stage does not exist, or its description lacks a column of the stage. #}
{% macro check_own_models() -%}
  {%- if execute -%}
    {%- set models = {} -%}
    {%- set read = [] -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' -%}
      {%- do models.update({node.name: node}) -%}
      {%- do read.extend(node.depends_on.nodes) -%}
    {%- endfor -%}
    {%- set stages = ['filtering', 'valuation', 'crediting', 'attainment', 'rewards'] -%}
    {%- for stage, names in commissions.own_models().items() -%}
      {%- if stage not in stages -%}
        {{ exceptions.raise_compiler_error(
          "dbt_project.yml, vars.own_models: there is no stage '" ~ stage ~ "'. Use one of " ~ stages | join(', ') ~ "."
        ) }}
      {%- endif -%}
      {%- set columns = models['custom_' ~ stage].columns -%}
      {%- for name in names or [] -%}
        {%- for column in columns if column not in models[name].columns -%}
          {{ exceptions.raise_compiler_error(
            "dbt_project/" ~ models[name].original_file_path ~ ": no column " ~ column ~ ". Own models of the stage " ~ stage
            ~ " have the columns " ~ columns | join(', ') ~ ". Select it, and describe it in models/own/_own__models.yml."
          ) }}
        {%- endfor -%}
      {%- endfor -%}
    {%- endfor -%}
    {%- for node in models.values() if node.fqn[1] == 'own' and node.unique_id not in read -%}
      {{ exceptions.raise_compiler_error(
        "dbt_project/" ~ node.original_file_path ~ ": no model reads it, so its rows would have no effect. Name it in vars.own_models of"
        ~ " dbt_project.yml under its stage (" ~ stages | join(', ') ~ "), or delete the file."
      ) }}
    {%- endfor -%}
  {%- endif -%}
  select 1
{%- endmacro %}
