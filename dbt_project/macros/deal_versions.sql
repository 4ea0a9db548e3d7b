{# Which version of a deal a plan reads, as one text that a row of the plans seed and the SQL over that seed both give. #}
{% macro version_code_of(plan) -%}
  {%- if plan.amount_basis_code != 'as_of_close' -%}{{ return('current') }}{%- endif -%}
  {%- set settled = 'as_of_close+' ~ ((plan.settle_days or 0) | int) -%}
  {{ return(settled ~ ('~' ~ plan.current_fields if plan.current_fields else '')) }}
{%- endmacro %}

{% macro version_code(plans) -%}
  case
    when {{ plans }}.amount_basis_code = 'as_of_close'
      then 'as_of_close+' || coalesce({{ plans }}.settle_days, 0)::varchar || coalesce('~' || {{ plans }}.current_fields, '')
    else 'current'
  end
{%- endmacro %}

{# A row of the plans seed for each version of a source object's deals that plans read, without today's. #}
{% macro closed_versions(source_object) -%}
  {%- set found = {} -%}
  {%- for plan in commissions.seed_rows('plans', 'plan_id, valid_from') if plan.source_object == source_object and plan.amount_basis_code == 'as_of_close' -%}
    {%- do found.update({commissions.version_code_of(plan): plan}) -%}
  {%- endfor -%}
  {{ return(found) }}
{%- endmacro %}

{# The names in a plan's current_fields. #}
{% macro current_field_names(plan) -%}
  {%- set found = [] -%}
  {%- for name in (plan.current_fields or '').split(',') if name | trim -%}
    {%- do found.append(name | trim) -%}
  {%- endfor -%}
  {{ return(found) }}
{%- endmacro %}

{# The last moment that still counts as the close: the close itself, or the end of the last day that the plan lets settle. #}
{% macro settled_at(closed_at, settle_days) -%}
  {%- if settle_days | int == 0 -%}
    {{ closed_at }}
  {%- else -%}
    (
      cast({{ commissions.day_of(closed_at, var('crm_time_zone')) }} + {{ settle_days | int + 1 }} as timestamp)
      at time zone '{{ var("crm_time_zone") }}' - interval 1 microsecond
    )
  {%- endif -%}
{%- endmacro %}

{# The last version of each deal of a source object that still counts as its close, or whose edits are accepted, under the
   source's own field names. #}
{% macro settled_rows(source_object, settle_days) -%}
    select since_close.* exclude (_version_number, _closed_at, _version_from)
    from {{ commissions.source_model(source_object, 'as_of_close') }} as since_close
    left join {{ ref('int_pool__accepted_edits') }} as accepted on since_close.transaction_id = accepted.transaction_id
    where
      since_close._version_number = 1
      or since_close._version_from <= {{ commissions.settled_at('since_close._closed_at', settle_days) }}
      or since_close._version_from <= accepted.accepted_until at time zone 'UTC'
    qualify row_number() over (partition by since_close.transaction_id order by since_close._version_number desc) = 1
{%- endmacro %}

{# The rows of a source object in the version that a plan reads, one for each deal, under the source's own field names: as of
   the close with the plan's current fields as they are now. A deal that is not won now has no close, and is as it is now. #}
{% macro deal_rows(plan) -%}
  {%- set current = commissions.source_model(plan.source_object) -%}
  {%- if plan.amount_basis_code != 'as_of_close' -%}
    {{ return(current) }}
  {%- endif -%}
  {%- set names = commissions.current_field_names(plan) | reject('equalto', 'OpportunitySplit') | list -%}
  {%- set rows -%}
(
  with

  settled as (
    {{ commissions.settled_rows(plan.source_object, plan.settle_days or 0) }}
  )

  select
    settled.*
    {%- if names %} replace (
      {%- for name in names %}today."{{ name }}" as "{{ name }}"{{ ', ' if not loop.last }}{% endfor -%}
    ){% endif %},
    today.is_deleted_in_source
  from settled
  inner join {{ current }} as today on settled.transaction_id = today.transaction_id
  union all by name
  select today.*
  from {{ current }} as today
  where today.transaction_id not in (select transaction_id from settled)
)
  {%- endset -%}
  {{ return(rows) }}
{%- endmacro %}

{# All versions of a source object's deals that plans read, and today's, with the version's code in _version_code. #}
{% macro deal_versions(source_system, object_name) -%}
  {%- set source_object = source_system ~ '/' ~ object_name -%}
  {{- commissions.depends_on_sources(with_pool=false) }}
-- depends_on: {{ ref('plans') }}
  select
    'current' as _version_code,
    *
  from {{ commissions.source_model(source_object) }}
  {%- for code, plan in commissions.closed_versions(source_object).items() %}
  union all by name
  select
    '{{ code }}' as _version_code,
    *
  from {{ commissions.deal_rows(plan) }} as version_{{ loop.index }}
  {%- endfor %}
{%- endmacro %}

{# The versions of splits: those that plans read, and of each plan the close by itself, so that edits of splits are seen. #}
{% macro closed_split_versions() -%}
  {%- set found = {} -%}
  {%- for plan in commissions.seed_rows('plans', 'plan_id, valid_from') if plan.source_object == 'crm' ~ '/' ~ 'Opportunity' -%}
    {%- set closed = {'amount_basis_code': 'as_of_close', 'settle_days': plan.settle_days} -%}
    {%- do found.update({commissions.version_code_of(closed): closed}) -%}
    {%- if plan.amount_basis_code == 'as_of_close' -%}
      {%- do found.update({commissions.version_code_of(plan): plan}) -%}
    {%- endif -%}
  {%- endfor -%}
  {{ return(found) }}
{%- endmacro %}

{# The splits of today and of the other versions, with the version's code in _version_code: of a deal with a close the splits
   that were live at the last moment that still counts as it. #}
{% macro split_versions(splits_today) -%}
-- depends_on: {{ ref('plans') }}
-- depends_on: {{ ref('int_pool__accepted_edits') }}
-- depends_on: {{ ref('stg_crm__opportunity_split_versions') }}
-- depends_on: {{ ref('stg_crm__opportunities_since_close') }}
  select
    'current' as _version_code,
    *
  from {{ splits_today }}
  {%- for code, plan in commissions.closed_split_versions().items() %}
    {%- set settled_at = commissions.settled_at('closes._closed_at', plan.settle_days or 0) %}
    {%- set last_moment = 'greatest(' ~ settled_at ~ ", accepted.accepted_until at time zone 'UTC', landed.first_landed_at)" %}
  union all by name
  select
    '{{ code }}' as _version_code,
    *
  from {{ splits_today }}
    {%- if 'OpportunitySplit' not in commissions.current_field_names(plan) %}
  where
    transaction_id not in (
      select transaction_id
      from {{ ref('stg_crm__opportunities_since_close') }}
      where _version_number = 1
    )
  union all by name
  select
    '{{ code }}' as _version_code,
    landed.* exclude (first_landed_at)
  from (
    select
      *,
      'crm/Opportunity/' || "OpportunityId" as transaction_id,
      min(_version_from) over () as first_landed_at
    from {{ ref('stg_crm__opportunity_split_versions') }}
  ) as landed
  inner join {{ ref('stg_crm__opportunities_since_close') }} as closes
    on
      landed.transaction_id = closes.transaction_id
      and closes._version_number = 1
  left join {{ ref('int_pool__accepted_edits') }} as accepted on landed.transaction_id = accepted.transaction_id
  where
    not coalesce(landed."IsDeleted", false)
    and landed._version_from <= {{ last_moment }}
    and coalesce(landed._version_to > {{ last_moment }}, true)
    {%- endif %}
  {%- endfor %}
{%- endmacro %}
