{# The fields of a source object that some plan reads. #}
{% macro all_read_field_names(source_object) -%}
  {%- set found = [] -%}
  {%- for plan in commissions.seed_rows('plans', 'plan_id, valid_from') if plan.source_object == source_object -%}
    {%- do found.extend(commissions.read_field_names(plan)) -%}
  {%- endfor -%}
  {{ return(found | unique | sort) }}
{%- endmacro %}

{# For each moment of the history the row of the opportunity that was landed next. #}
{% macro rows_landed_next(relation) -%}
  select
    landed.*,
    moments.changed_at as _changed_at
  from {{ relation }} as landed
  inner join (
    select distinct
      opportunity_id,
      changed_at
    from {{ ref('stg_crm__opportunity_changes') }}
  ) as moments
    on
      landed."Id" = moments.opportunity_id
      and landed._dlt_valid_from > moments.changed_at
  qualify row_number() over (
    partition by landed."Id", moments.changed_at
    order by landed._dlt_valid_from, landed._row_hash
  ) = 1
{%- endmacro %}

{# For each moment of the history and each landing after it: what the fields that were changed between the two held at the
   moment. #}
{% macro undone_changes(relation) -%}
  select
    opportunity_id,
    changed_at,
    landed_at,
    map_from_entries(list((field_name, old_value))) as old_values
  from (
    select
      moments.opportunity_id,
      moments.changed_at,
      landings.landed_at,
      later.field_name,
      later.old_value
    from (
      select distinct
        opportunity_id,
        changed_at
      from {{ ref('stg_crm__opportunity_changes') }}
    ) as moments
    inner join (
      select
        "Id" as opportunity_id,
        _dlt_valid_from as landed_at
      from {{ relation }}
    ) as landings
      on
        moments.opportunity_id = landings.opportunity_id
        and landings.landed_at > moments.changed_at
    inner join {{ ref('stg_crm__opportunity_changes') }} as later
      on
        moments.opportunity_id = later.opportunity_id
        and later.changed_at > moments.changed_at
        and later.changed_at <= landings.landed_at
    qualify row_number() over (
      partition by moments.opportunity_id, moments.changed_at, landings.landed_at, later.field_name
      order by later.changed_at, later.change_id
    ) = 1
  )
  group by opportunity_id, changed_at, landed_at
{%- endmacro %}

{# The landed rows of opportunities, and before each of them the versions that the CRM's own history tells since the landing
   before: the next landed row with each later change undone. Fields without a history are as they were landed next. #}
{% macro rows_with_history(relation) -%}
-- depends_on: {{ ref('stg_crm__opportunity_changes') }}
  {% if not var('crm_has_history') %}
    select * from {{ relation }}
  {%- else %}
-- depends_on: {{ ref('plans') }}
-- depends_on: {{ ref('credit_rules') }}
    {%- set types = {} -%}
    {%- if execute -%}
      {%- for column in adapter.get_columns_in_relation(relation) -%}
        {%- do types.update({column.name: column.data_type}) -%}
      {%- endfor -%}
    {%- endif -%}
    {%- set guessed = {'Amount': 'decimal(28, 8)', 'CloseDate': 'date'} %}
    select landed.*
    from {{ relation }} as landed
    union all by name
    select
      based.* exclude (_changed_at) replace (
        {%- for field in (['StageName'] + commissions.all_read_field_names('crm' ~ '/' ~ 'Opportunity')) | unique if field in types or not types %}
        case
          when list_contains(map_keys(undone.old_values), '{{ field }}')
            then try_cast(map_extract(undone.old_values, '{{ field }}')[1] as {{ types.get(field) or guessed.get(field) or 'varchar' }})
          else based."{{ field }}"
        end as "{{ field }}",
        {%- endfor %}
        based._changed_at as _dlt_valid_from,
        'history' as _row_hash
      )
    from (
      {{ commissions.rows_landed_next(relation) }}
    ) as based
    left join (
      {{ commissions.undone_changes(relation) }}
    ) as undone
      on
        based."Id" = undone.opportunity_id
        and based._changed_at = undone.changed_at
        and based._dlt_valid_from = undone.landed_at
  {%- endif -%}
{%- endmacro %}
