-- Lists who belongs to which team: the HRIS's territories, whose inclusive dates become half-open ranges, and the
-- company's own teams.
-- Grain: one row per team, payee and first day.
with

territory_history as (
  select * from {{ ref('stg_hris__territory_history') }}
  where not is_deleted_in_source
),

team_memberships as (
  select * from {{ ref('team_memberships') }}
),

territories as (
  select
    "territoryId" as team_id,
    "employeeId" as payee_id,
    "startDate" as valid_from,
    {{ add_days('"endDate"', 1) }} as valid_to,
    1 as share_weight
  from territory_history
),

teams as (
  select
    team_id,
    payee_id,
    valid_from,
    valid_to,
    share_weight
  from team_memberships
),

united as (
  select * from territories
  union all
  select * from teams
),

final as (
  select
    team_id::varchar as team_id,
    payee_id::varchar as payee_id,
    valid_from::date as valid_from,
    valid_to::date as valid_to,
    share_weight::decimal(18, 10) as share_weight
  from united
)

select * from final
