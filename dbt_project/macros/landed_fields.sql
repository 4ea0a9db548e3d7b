{# The landed tables that keep versions, and their columns as they lie in the warehouse, in a fixed order; empty while dbt
   only parses. #}
{% macro landed_columns() -%}
  {%- if not execute -%}{{ return([]) }}{%- endif -%}
  {{ return(run_query(
    "select substring(table_schema, length('raw_') + 1) as source_system, table_name as source_object,"
    ~ " string_agg(column_name, chr(10) order by ordinal_position) filter (where not starts_with(column_name, '_'))"
    ~ " as field_names"
    ~ " from information_schema.columns"
    ~ " where table_catalog = current_database() and starts_with(table_schema, 'raw_') and table_schema <> 'raw_books'"
    ~ " and not ends_with(table_schema, '_staging') and not starts_with(table_name, '_dlt_')"
    ~ " group by all"
    ~ " having bool_or(column_name = '_dlt_valid_from') and bool_or(column_name = '_dlt_valid_to')"
    ~ " order by all"
  ).rows) }}
{%- endmacro %}

{# The source objects that plans can name, with their staging models. #}
{% macro transaction_sources() -%}
  {{ return(var('transaction_sources')) }}
{%- endmacro %}

{# The SQL, without comments, of the models that read a landed table: its staging models, those on top of them, and the
   first models outside staging. What names a field there reads it. #}
{% macro sql_reading(source_system, source_object) -%}
  {%- set reached = [] -%}
  {%- for source in graph.sources.values()
      if source.schema == 'raw_' ~ source_system and source.identifier == source_object -%}
    {%- do reached.append(source.unique_id) -%}
  {%- endfor -%}
  {%- set texts = [] -%}
  {#- Staging is at most this deep. -#}
  {%- for level in range(5) -%}
    {%- for node in graph.nodes.values()
        if node.resource_type == 'model' and node.unique_id not in reached
        and node.depends_on.nodes | select('in', reached) | list -%}
      {%- do texts.append(modules.re.sub('--[^\n]*|\{#.*?#\}', '', node.raw_code)) -%}
      {%- if node.fqn[1] == 'staging' -%}
        {%- do reached.append(node.unique_id) -%}
      {%- endif -%}
    {%- endfor -%}
  {%- endfor -%}
  {{ return(texts | unique | join('\n')) }}
{%- endmacro %}

{# One select per landed table: one row per field, with how often it is filled in all versions, in the live rows, in those that
   the last landing with changes brought, and in those of before. #}
{% macro landed_fields() -%}
  {%- for landed in commissions.landed_columns() %}
    {%- set sql = commissions.sql_reading(landed.source_system, landed.source_object) %}
select
  '{{ landed.source_system }}' as source_system,
  '{{ landed.source_object }}' as source_object,
  fields.field_name,
  fields.is_read,
  coalesce(sum(counts.filled_count) filter (where counts.is_live), 0) as live_filled_count,
  coalesce(sum(counts.filled_count) filter (where counts.landed_at = counts.last_landed_at), 0) as recent_filled_count,
  coalesce(sum(counts.filled_count) filter (where counts.landed_at < counts.last_landed_at), 0) as earlier_filled_count,
  min(counts.landed_at) filter (where counts.filled_count > 0) as first_filled_at,
  max(counts.landed_at) filter (where counts.filled_count > 0) as last_filled_at,
  coalesce(sum(counts.row_count) filter (where counts.is_live), 0) as live_count,
  coalesce(sum(counts.row_count) filter (where counts.landed_at = counts.last_landed_at), 0) as recent_count,
  coalesce(sum(counts.row_count) filter (where counts.landed_at < counts.last_landed_at), 0) as earlier_count
from (
  values
    {%- for name in landed.field_names.split('\n') %}
      {%- set is_read = modules.re.search('(?<![A-Za-z0-9_])' ~ modules.re.escape(name) ~ '(?![A-Za-z0-9_])', sql) %}
    ('{{ name | replace("'", "''") }}', {{ 'true' if is_read else 'false' }}){{ ',' if not loop.last }}
    {%- endfor %}
) as fields (field_name, is_read)
-- Counted once per landing: each field costs one aggregate, not one per figure.
left join (
  select
    _dlt_valid_from as landed_at,
    _dlt_valid_to is null as is_live,
    max(_dlt_valid_from) over () as last_landed_at,
    count(*) as row_count,
    unnest([
    {%- for name in landed.field_names.split('\n') %}
      struct_pack(field_name := '{{ name | replace("'", "''") }}', filled_count := count("{{ name | replace('"', '""') }}"))
        {{- ',' if not loop.last }}
    {%- endfor %}
    ], recursive := true)
  from raw_{{ landed.source_system }}."{{ landed.source_object }}"
  group by _dlt_valid_from, _dlt_valid_to is null
) as counts on fields.field_name = counts.field_name
group by fields.field_name, fields.is_read
union all
  {%- endfor %}
select
  cast(null as varchar) as source_system,
  cast(null as varchar) as source_object,
  cast(null as varchar) as field_name,
  false as is_read,
  cast(null as bigint) as live_filled_count,
  cast(null as bigint) as recent_filled_count,
  cast(null as bigint) as earlier_filled_count,
  cast(null as timestamptz) as first_filled_at,
  cast(null as timestamptz) as last_filled_at,
  cast(null as bigint) as live_count,
  cast(null as bigint) as recent_count,
  cast(null as bigint) as earlier_count
where false
{%- endmacro %}

{# One select per source object of the pool: the fields that plans can name, the pool's own id left out. #}
{% macro pool_fields() -%}
  {%- for source_object, models in commissions.transaction_sources().items() -%}
    {%- set relation = ref(models.current) -%}
    {%- if execute -%}
      {%- for column in adapter.get_columns_in_relation(relation)
          if column.name != 'transaction_id' and not column.name.startswith('_') %}
select '{{ source_object }}' as source_object, '{{ column.name | replace("'", "''") }}' as field_name
union all
      {%- endfor -%}
    {%- endif -%}
  {%- endfor %}
select cast(null as varchar) as source_object, cast(null as varchar) as field_name
where false
{%- endmacro %}

{# One select per source object of the pool: the landed table whose fields its plans name. Deals of a connected CRM are the
   pool's crm/Opportunity: there the plans name the fields of its own table of deals. #}
{% macro pool_objects() -%}
  {%- if execute -%}
    {%- for source_object, models in commissions.transaction_sources().items() %}
select distinct
  '{{ source_object }}' as pool_object,
  source_system,
  source_object
from {{ ref('int_pool__source_fields') }}
      {%- if models.current == 'stg_crm__opportunities' and var('crm_system') != 'files' %}
where source_system = '{{ var('crm_system') }}' and lower(source_object) in ('deals', 'opportunities')
      {%- else %}
where concat_ws('/', source_system, source_object) = '{{ source_object }}'
      {%- endif %}
union all
    {%- endfor -%}
  {%- endif %}
select
  cast(null as varchar) as pool_object,
  cast(null as varchar) as source_system,
  cast(null as varchar) as source_object
where false
{%- endmacro %}

{# The columns of expressions that are read off a deal (`meta: deal_expression` in the seeds' property files), as JSON:
   pairs of seed and column. #}
{% macro deal_expression_columns() -%}
  {%- set found = [] -%}
  {%- for seed in (graph.nodes.values() if execute else []) if seed.resource_type == 'seed' -%}
    {%- for column in seed.columns.values() if column.config.meta.deal_expression -%}
      {%- do found.append([seed.name, column.name]) -%}
    {%- endfor -%}
  {%- endfor -%}
  {{ return(tojson(found)) }}
{%- endmacro %}

{# One select per column: the plan, where the expression stands, its text. A model that uses it names the seeds as its
   dependencies. #}
{% macro deal_expressions(columns) -%}
  {%- for seed, column in columns %}
select plan_id, '{{ seed }}.{{ column }}' as expression_name, {{ column }} as expression_text
from {{ ref(seed) }}
where {{ column }} is not null
union all
  {%- endfor %}
select
  cast(null as varchar) as plan_id,
  cast(null as varchar) as expression_name,
  cast(null as varchar) as expression_text
where false
{%- endmacro %}
