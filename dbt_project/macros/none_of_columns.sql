{# A query of no rows with the columns that a relation has in DuckDB's catalogue. #}
{% macro none_of_columns(relation) -%}
  {%- set columns = run_query(
    "select column_name, data_type from duckdb_columns() where database_name = '" ~ relation.database ~ "' and schema_name = '"
    ~ relation.schema ~ "' and table_name = '" ~ relation.identifier ~ "' order by column_index"
  ).rows -%}
  select
    {%- for name, data_type in columns %}
    cast(null as {{ data_type }}) as {{ adapter.quote(name) }}{{ ',' if not loop.last }}
    {%- endfor %}
  where false
{%- endmacro %}
