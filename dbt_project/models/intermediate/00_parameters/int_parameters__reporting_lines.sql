-- Walks the dated hierarchy upwards: each payee, everybody above, how many steps, and when.
-- Grain: one row a payee, ancestor, level and first day; level 0 is the payee.
with recursive

payees as (
  select * from {{ ref('int_parameters__payees') }}
),

managers as (
  select * from {{ ref('int_parameters__managers') }}
  where manager_id is not null
),

lines as (
  select
    payee_id,
    payee_id as ancestor_id,
    0 as level_number,
    hire_date as valid_from,
    termination_date as valid_to
  from payees
  union all
  select
    lines.payee_id,
    managers.manager_id as ancestor_id,
    lines.level_number + 1 as level_number,
    greatest(lines.valid_from, managers.valid_from) as valid_from,
    {{ earlier_end('lines.valid_to', 'managers.valid_to') }} as valid_to
  from lines
  inner join managers
    on
      lines.ancestor_id = managers.payee_id
      and (lines.valid_to is null or managers.valid_from < lines.valid_to)
      and (managers.valid_to is null or lines.valid_from < managers.valid_to)
  where lines.level_number < {{ var('hierarchy_levels_max') }}
),

final as (
  select
    payee_id::varchar as payee_id,
    ancestor_id::varchar as ancestor_id,
    level_number::integer as level_number,
    valid_from::date as valid_from,
    valid_to::date as valid_to
  from lines
)

select * from final
