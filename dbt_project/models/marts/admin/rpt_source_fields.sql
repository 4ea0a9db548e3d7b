-- Says for each field of each landed table what reads it and whether it still comes: in use, mapped, unmapped, empty or
-- vanished; and of each field that a plan names without its being there. With the reason and what to do about it.
-- Grain: one row per source system, object and field. Rule: docs/administration.md
with

source_fields as (
  select * from {{ ref('int_pool__source_fields') }}
),

plan_fields as (
  select * from {{ ref('int_pool__plan_fields') }}
),

reason_codes as (
  select * from {{ ref('reason_codes') }}
),

pool_objects as (
  {{ pool_objects() }}
),

uses as (
  select
    source_object as pool_object,
    field_name,
    string_agg(distinct plan_id, ', ' order by plan_id) as plan_ids,
    string_agg(distinct expression_name, ', ' order by expression_name) as expression_names,
    bool_or(is_in_source) as is_in_source
  from plan_fields
  group by source_object, field_name
),

placed_uses as (
  select
    pool_objects.source_system,
    pool_objects.source_object,
    uses.*
  from uses
  inner join pool_objects on uses.pool_object = pool_objects.pool_object
),

landed as (
  select
    source_fields.*,
    placed_uses.plan_ids,
    placed_uses.expression_names,
    true as is_landed
  from source_fields
  left join placed_uses
    on
      source_fields.source_system = placed_uses.source_system
      and source_fields.source_object = placed_uses.source_object
      and source_fields.field_name = placed_uses.field_name
),

-- Named by a plan and in no landed table; where staging makes the field, it is no gap.
unknown as (
  select
    placed_uses.source_system,
    placed_uses.source_object,
    placed_uses.field_name,
    false as is_read,
    placed_uses.plan_ids,
    placed_uses.expression_names,
    false as is_landed
  from placed_uses
  anti join source_fields
    on
      placed_uses.source_system = source_fields.source_system
      and placed_uses.source_object = source_fields.source_object
      and placed_uses.field_name = source_fields.field_name
  where not placed_uses.is_in_source
),

united as (
  select * from landed
  union all by name
  select * from unknown
),

judged as (
  select
    *,
    coalesce(live_filled_count, 0) as filled_count,
    coalesce(live_count > 0 and live_filled_count = 0 and first_filled_at is not null, false) as is_gone,
    coalesce(
      earlier_count > 0 and earlier_filled_count = earlier_count and recent_count > 0 and recent_filled_count = 0,
      false
    ) as is_gone_from_recent
  from united
),

explained as (
  select
    *,
    case
      when not is_landed then 'unknown'
      when is_gone or is_gone_from_recent then 'vanished'
      when first_filled_at is null then 'empty'
      when plan_ids is not null then 'in_use'
      when is_read then 'mapped'
      else 'unmapped'
    end as status_code,
    case
      when not is_landed then 'field_unknown'
      when is_gone and plan_ids is not null then 'field_of_plan_vanished'
      when is_gone then 'field_vanished'
      when is_gone_from_recent then 'field_empty_in_recent_rows'
      when first_filled_at is null and plan_ids is not null and live_count > 0 then 'field_of_plan_empty'
      when first_filled_at is null then null
      when plan_ids is null and not is_read then 'field_not_mapped'
    end as reason_code
  from judged
),

final as (
  select
    (explained.source_system || '/' || explained.source_object || '/' || explained.field_name)::varchar as source_field_key,
    explained.source_system::varchar as source_system,
    explained.source_object::varchar as source_object,
    explained.field_name::varchar as field_name,
    explained.status_code::varchar as status_code,
    explained.is_landed::boolean as is_landed,
    explained.is_read::boolean as is_read,
    explained.plan_ids::varchar as plan_ids,
    explained.expression_names::varchar as expression_names,
    coalesce(explained.live_count, 0)::bigint as live_count,
    explained.filled_count::bigint as filled_count,
    coalesce(explained.recent_count, 0)::bigint as recent_count,
    coalesce(explained.recent_filled_count, 0)::bigint as recent_filled_count,
    explained.first_filled_at::timestamp as first_filled_at,
    explained.last_filled_at::timestamp as last_filled_at,
    explained.reason_code::varchar as reason_code,
    reason_codes.description::varchar as reason_description,
    reason_codes.fix::varchar as fix
  from explained
  left join reason_codes on explained.reason_code = reason_codes.reason_code
)

select * from final
