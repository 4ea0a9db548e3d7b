{# A table replaced where it stands, in one transaction. dbt's own materialization builds beside it and renames three times,
   which costs more than most of these models; DuckDB replaces a table atomically by itself. #}
{% materialization table, adapter="duckdb", supported_languages=["sql"] %}
  {%- set existing_relation = load_cached_relation(this) -%}
  {%- set target_relation = this.incorporate(type="table") -%}

  {{ run_hooks(pre_hooks, inside_transaction=False) }}
  {{ run_hooks(pre_hooks, inside_transaction=True) }}
  {% if existing_relation is not none and not existing_relation.is_table %}
    {% do adapter.drop_relation(existing_relation) %}
  {% endif %}
  {% call statement("main") %}
    {% if config.get("contract").enforced %}
      {{ get_assert_columns_equivalent(compiled_code) }}
      create or replace table {{ target_relation }} {{ get_table_columns_and_constraints() }};
      insert into {{ target_relation }} {{ get_column_names() }} ({{ get_select_subquery(compiled_code) }});
    {% else %}
      create or replace table {{ target_relation }} as ({{ compiled_code }}
      );
    {% endif %}
  {% endcall %}
  {% do persist_docs(target_relation, model) %}
  {{ run_hooks(post_hooks, inside_transaction=True) }}
  {{ adapter.commit() }}
  {{ run_hooks(post_hooks, inside_transaction=False) }}

  {{ return({"relations": [target_relation]}) }}
{% endmaterialization %}
