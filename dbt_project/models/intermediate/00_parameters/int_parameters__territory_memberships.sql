-- Turns the HRIS's inclusive territory dates into half-open ranges.
-- Grain: one row a payee, territory and first day.
with

territory_history as (
  select * from {{ ref('stg_hris__territory_history') }}
  where not is_deleted_in_source
),

final as (
  select
    "employeeId"::varchar as payee_id,
    "territoryId"::varchar as territory_id,
    "startDate"::date as valid_from,
    {{ add_days('"endDate"', 1) }} as valid_to
  from territory_history
)

select * from final
