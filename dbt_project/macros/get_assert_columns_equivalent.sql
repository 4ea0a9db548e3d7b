{# A contract's columns are compared with those of the SQL, which binds the SQL of a table once more. A run names the models whose
   SQL is the one that was compared before, over the same columns: there it is left out. By hand dbt compares always. #}
{% macro duckdb__get_assert_columns_equivalent(sql) -%}
  {% if model.name not in var('bound_models', []) %}
    {{ return(assert_columns_equivalent(sql)) }}
  {% endif %}
{%- endmacro %}
