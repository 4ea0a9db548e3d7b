{# A view replaced where it stands, in one transaction; see table.sql. #}
{% materialization view, adapter="duckdb" %}
  {%- set existing_relation = load_cached_relation(this) -%}
  {%- set target_relation = this.incorporate(type="view") -%}

  {{ run_hooks(pre_hooks, inside_transaction=False) }}
  {{ run_hooks(pre_hooks, inside_transaction=True) }}
  {% if existing_relation is not none and not existing_relation.is_view %}
    {% do adapter.drop_relation(existing_relation) %}
  {% endif %}
  {% call statement("main") %}
    create or replace view {{ target_relation }} as (
      {{ compiled_code }}
    );
  {% endcall %}
  {# DuckDB has bound the view now, and knows its columns: to describe its SQL before would bind all of it twice. #}
  {% if config.get("contract").enforced %}
    {% do get_assert_columns_equivalent(none_of_columns(target_relation)) %}
  {% endif %}
  {% do persist_docs(target_relation, model) %}
  {{ run_hooks(post_hooks, inside_transaction=True) }}
  {{ adapter.commit() }}
  {{ run_hooks(post_hooks, inside_transaction=False) }}

  {{ return({"relations": [target_relation]}) }}
{% endmaterialization %}
