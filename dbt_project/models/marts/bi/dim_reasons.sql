-- Lists the reasons for which something earns nothing, waits or is corrected, each with what to do about it.
-- Grain: one row per reason.
-- Rule: docs/bi.md
with

reason_codes as (
  select * from {{ ref('reason_codes') }}
),

final as (
  select
    reason_code::varchar as reason_code,
    stage_code::varchar as stage_code,
    description::varchar as reason_description,
    fix::varchar as fix
  from reason_codes
)

select * from final
