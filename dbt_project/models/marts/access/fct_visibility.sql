-- Says whose figures each viewer may see, of which days: their own, those of their direct and indirect reports for the
-- days on which they reported to them, and those of the roles they hold today. Ranges that touch are one.
-- Grain: one row per viewer, payee, role, plan and span of days.
-- Rule: docs/bi.md
with

payees as (
  select * from {{ ref('int_parameters__payees') }}
),

held_roles as (
  select * from {{ ref('roles') }} as held
  where {{ in_force(as_of_date(), 'held') }}
),

reporting_lines as (
  select * from {{ ref('int_parameters__reporting_lines') }}
  where hierarchy_code = 'manager'
),

assignments as (
  select * from {{ ref('plan_assignments') }}
),

memberships as (
  select * from {{ ref('int_parameters__team_memberships') }}
),

active_people as (
  select * from payees
  where
    payee_kind_code = 'person'
    and not is_deleted_in_source
    and (termination_date is null or termination_date > {{ as_of_date() }})
),

granted as (
  -- themselves, also after they have left
  select
    payee_id as viewer_id,
    payee_id,
    'payee' as role_code,
    null as plan_id,
    null as visible_from,
    null as visible_to
  from payees
  where payee_kind_code = 'person' and not is_deleted_in_source
  union all
  -- who reports to them, while they are here themselves
  select
    reporting_lines.ancestor_id as viewer_id,
    reporting_lines.payee_id,
    'manager' as role_code,
    null as plan_id,
    reporting_lines.valid_from as visible_from,
    reporting_lines.valid_to as visible_to
  from reporting_lines
  inner join active_people on reporting_lines.ancestor_id = active_people.payee_id
  union all
  -- roles over everybody, or over one payee; the head of an organisation belongs to it
  select
    held_roles.viewer_id,
    payees.payee_id,
    held_roles.role_code,
    null as plan_id,
    null as visible_from,
    null as visible_to
  from held_roles
  inner join payees
    on
      held_roles.scope_code = 'all'
      or (held_roles.scope_code in ('payee', 'org', 'team') and held_roles.scope_id = payees.payee_id)
  union all
  select
    held_roles.viewer_id,
    reporting_lines.payee_id,
    held_roles.role_code,
    null as plan_id,
    reporting_lines.valid_from as visible_from,
    reporting_lines.valid_to as visible_to
  from held_roles
  inner join reporting_lines
    on held_roles.scope_code = 'org' and held_roles.scope_id = reporting_lines.ancestor_id
  union all
  select
    held_roles.viewer_id,
    memberships.payee_id,
    held_roles.role_code,
    null as plan_id,
    memberships.valid_from as visible_from,
    memberships.valid_to as visible_to
  from held_roles
  inner join memberships on held_roles.scope_code = 'team' and held_roles.scope_id = memberships.team_id
  union all
  select
    held_roles.viewer_id,
    assignments.payee_id,
    held_roles.role_code,
    assignments.plan_id,
    assignments.valid_from as visible_from,
    assignments.valid_to as visible_to
  from held_roles
  inner join assignments on held_roles.scope_code = 'plan' and held_roles.scope_id = assignments.plan_id
),

-- a range starts an island unless an earlier one of the same grant reaches it
followed as (
  select
    *,
    row_number() over grants = 1 as has_none_before,
    bool_or(visible_to is null) over earlier as has_open_one_before,
    max(visible_to) over earlier as reached_to
  from granted
  window
    grants as (
      partition by viewer_id, payee_id, role_code, plan_id
      order by visible_from nulls first, visible_to nulls last
    ),
    earlier as (
      partition by viewer_id, payee_id, role_code, plan_id
      order by visible_from nulls first, visible_to nulls last
      rows between unbounded preceding and 1 preceding
    )
),

numbered as (
  select
    *,
    sum((has_none_before or coalesce(not has_open_one_before and reached_to < visible_from, false))::integer) over (
      partition by viewer_id, payee_id, role_code, plan_id
      order by visible_from nulls first, visible_to nulls last
      rows between unbounded preceding and current row
    ) as island_number
  from followed
),

final as (
  select
    viewer_id::varchar as viewer_id,
    payee_id::varchar as payee_id,
    role_code::varchar as role_code,
    plan_id::varchar as plan_id,
    (case when bool_and(visible_from is not null) then min(visible_from) end)::date as visible_from,
    (case when bool_and(visible_to is not null) then max(visible_to) end)::date as visible_to,
    (role_code in ('admin', 'auditor', 'limited_admin'))::boolean as has_drafts
  from numbered
  group by viewer_id, payee_id, role_code, plan_id, island_number
)

select * from final
