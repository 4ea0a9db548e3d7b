-- Walks both dated hierarchies upwards from each payee: the line of managers, and the leaders
-- of the payee's teams (of a team itself, where it is credited) and of the teams above them. Nobody is above themselves.
-- Grain: one row per hierarchy, payee, ancestor, level, way and first day.
with recursive

managers as (
  select * from {{ ref('int_parameters__managers') }}
  where manager_id is not null
),

memberships as (
  select * from {{ ref('int_parameters__team_memberships') }}
),

team_lines as (
  select * from {{ ref('int_parameters__team_lines') }}
),

manager_lines as (
  select
    payee_id,
    manager_id as ancestor_id,
    1 as level_number,
    valid_from,
    valid_to
  from managers
  union all
  select
    manager_lines.payee_id,
    managers.manager_id as ancestor_id,
    manager_lines.level_number + 1 as level_number,
    greatest(manager_lines.valid_from, managers.valid_from) as valid_from,
    {{ earlier_end('manager_lines.valid_to', 'managers.valid_to') }} as valid_to
  from manager_lines
  inner join managers
    on
      manager_lines.ancestor_id = managers.payee_id
      and (manager_lines.valid_to is null or managers.valid_from < manager_lines.valid_to)
      and (managers.valid_to is null or manager_lines.valid_from < managers.valid_to)
  where manager_lines.level_number < {{ var('hierarchy_levels_max') }}
),

leader_lines as (
  select
    memberships.payee_id,
    team_lines.leader_payee_id as ancestor_id,
    team_lines.level_number,
    memberships.team_id,
    greatest(memberships.valid_from, team_lines.valid_from) as valid_from,
    {{ earlier_end('memberships.valid_to', 'team_lines.valid_to') }} as valid_to
  from memberships
  inner join team_lines
    on
      memberships.team_id = team_lines.team_id
      and (memberships.valid_to is null or team_lines.valid_from < memberships.valid_to)
      and (team_lines.valid_to is null or memberships.valid_from < team_lines.valid_to)
  where team_lines.leader_payee_id is not null
  union all
  select
    team_id as payee_id,
    leader_payee_id as ancestor_id,
    level_number,
    team_id,
    valid_from,
    valid_to
  from team_lines
  where leader_payee_id is not null
),

united as (
  select
    'manager' as hierarchy_code,
    payee_id,
    ancestor_id,
    level_number,
    '' as way,
    valid_from,
    valid_to
  from manager_lines
  union all
  select
    'team' as hierarchy_code,
    payee_id,
    ancestor_id,
    level_number,
    team_id as way,
    valid_from,
    valid_to
  from leader_lines
),

final as (
  select
    hierarchy_code::varchar as hierarchy_code,
    payee_id::varchar as payee_id,
    ancestor_id::varchar as ancestor_id,
    level_number::integer as level_number,
    way::varchar as way,
    valid_from::date as valid_from,
    valid_to::date as valid_to
  from united
  where payee_id <> ancestor_id
)

select * from final
