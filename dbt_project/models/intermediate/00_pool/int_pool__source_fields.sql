-- Counts, for every field of every landed table, how often it is filled, now and before, and says whether a model names it.
-- Grain: one row per source system, object and field. Rule: docs/administration.md
-- depends_on: {{ ref('int_pool__transactions') }}
-- depends_on: {{ ref('int_pool__collections') }}
-- depends_on: {{ ref('int_parameters__payees') }}
-- depends_on: {{ ref('int_parameters__fx_rates') }}
with

landed as (
  {{ landed_fields() }}
),

final as (
  select
    source_system::varchar as source_system,
    source_object::varchar as source_object,
    field_name::varchar as field_name,
    is_read::boolean as is_read,
    live_count::bigint as live_count,
    live_filled_count::bigint as live_filled_count,
    recent_count::bigint as recent_count,
    recent_filled_count::bigint as recent_filled_count,
    earlier_count::bigint as earlier_count,
    earlier_filled_count::bigint as earlier_filled_count,
    (first_filled_at at time zone 'UTC')::timestamp as first_filled_at,
    (last_filled_at at time zone 'UTC')::timestamp as last_filled_at
  from landed
)

select * from final
