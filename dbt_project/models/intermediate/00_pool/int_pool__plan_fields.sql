-- Lists the fields that the expressions of plans, credit rules and payout terms name, and whether the source object has
-- them.
-- Grain: one row per source object, field, plan and expression. Rule: docs/administration.md
with

plan_objects as (
  select distinct
    plan_id,
    source_object
  from {{ ref('plans') }}
),

-- depends_on: {{ ref('credit_rules') }}
-- depends_on: {{ ref('payout_terms') }}
expressions as (
  {{ deal_expressions(fromjson(deal_expression_columns())) }}
),

-- Texts in single quotes may hold double quotes; what is left in double quotes is a field.
named as (
  select
    plan_id,
    expression_name,
    unnest(regexp_extract_all(regexp_replace(expression_text, '''[^'']*''', '', 'g'), '"([^"]+)"', 1)) as field_name
  from expressions
),

known as (
  {{ pool_fields() }}
),

final as (
  select distinct
    plan_objects.source_object::varchar as source_object,
    named.field_name::varchar as field_name,
    named.plan_id::varchar as plan_id,
    named.expression_name::varchar as expression_name,
    (known.field_name is not null)::boolean as is_in_source
  from named
  inner join plan_objects on named.plan_id = plan_objects.plan_id
  left join known
    on
      plan_objects.source_object = known.source_object
      and named.field_name = known.field_name
)

select * from final
