{# Left joins that give each variable of plan or global scope its value on the day, one column per variable. #}
{% macro join_plan_variables(names, plan_id, day) -%}
  {%- for name in names if name != 'CatalogueValue' %}
  left join (
    select
      value as "@@{{ name }}",
      valid_from as variable_{{ loop.index }}_from,
      valid_to as variable_{{ loop.index }}_to
    from {{ ref('int_parameters__plan_variables') }}
    where
      plan_id = '{{ plan_id }}'
      and variable_name = '{{ name }}'
  ) as variable_{{ loop.index }}
    on
      variable_{{ loop.index }}.variable_{{ loop.index }}_from <= {{ day }}
      and (
        variable_{{ loop.index }}.variable_{{ loop.index }}_to is null
        or {{ day }} < variable_{{ loop.index }}.variable_{{ loop.index }}_to
      )
  {%- endfor %}
{%- endmacro %}
