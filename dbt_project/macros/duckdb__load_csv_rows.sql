{# Loads a seed with the double quote as its only quote character. Left to guess, DuckDB takes the single quotes of a short
   seed's SQL expressions for it and drops them. #}
{% macro duckdb__load_csv_rows(model, agate_table) %}
  {% set sql %}
    copy {{ this.render() }} from '{{ adapter.get_seed_file_path(model) }}'
    (format csv, header true, delimiter ',', quote '"', escape '"')
  {% endset %}
  {% do adapter.add_query(sql, abridge_sql_log=True) %}
  {{ return(sql) }}
{% endmacro %}
