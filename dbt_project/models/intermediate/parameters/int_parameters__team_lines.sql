-- Walks the dated team hierarchy upwards from each team: itself (level 1), the team above (level 2), and so on,
-- with who leads each of them and when.
-- Grain: one row per team, level, team reached and first day.
with recursive

teams as (
  select * from {{ ref('teams') }}
),

lines as (
  select
    team_id,
    team_id as reached_team_id,
    parent_team_id,
    leader_payee_id,
    1 as level_number,
    valid_from,
    valid_to
  from teams
  union all
  select
    lines.team_id,
    teams.team_id as reached_team_id,
    teams.parent_team_id,
    teams.leader_payee_id,
    lines.level_number + 1 as level_number,
    greatest(lines.valid_from, teams.valid_from) as valid_from,
    {{ earlier_end('lines.valid_to', 'teams.valid_to') }} as valid_to
  from lines
  inner join teams
    on
      lines.parent_team_id = teams.team_id
      and (lines.valid_to is null or teams.valid_from < lines.valid_to)
      and (teams.valid_to is null or lines.valid_from < teams.valid_to)
  where lines.level_number < {{ var('hierarchy_levels_max') }}
),

final as (
  select
    team_id::varchar as team_id,
    reached_team_id::varchar as reached_team_id,
    leader_payee_id::varchar as leader_payee_id,
    level_number::integer as level_number,
    valid_from::date as valid_from,
    valid_to::date as valid_to
  from lines
)

select * from final
