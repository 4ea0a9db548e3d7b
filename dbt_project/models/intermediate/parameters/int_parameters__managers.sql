-- Turns the HRIS's dated job information into half-open ranges of who reports to whom.
-- Grain: one row per payee and first day under a manager.
with

job_info as (
  select * from {{ ref('stg_hris__job_info') }}
  where not is_deleted_in_source
),

final as (
  select
    "employeeId"::varchar as payee_id,
    "reportsTo"::varchar as manager_id,
    "date"::date as valid_from,
    (lead("date") over (partition by "employeeId" order by "date"))::date as valid_to
  from job_info
)

select * from final
