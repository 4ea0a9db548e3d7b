-- Gives BambooHR's jobs the fields of the HR extracts: the manager by employee id.
-- Rows that were deleted in BambooHR are left out: another row may have taken their date.
-- Grain: one row per employee and effective date.
{{ config(enabled=var('hris_system') == 'bamboohr') }}

with

jobs as (
  {{ current_rows(source('bamboohr', 'jobInfo'), ['id']) }}
),

managers as (
  select * from {{ ref('stg_bamboohr__managers') }}
)

select
  jobs."employeeId",
  jobs."date",
  jobs."jobTitle",
  managers.manager_id as "reportsTo",
  jobs.is_deleted_in_source,
  jobs._source_file,
  jobs._source_row
from jobs
left join managers on jobs.id = managers.job_id
where not jobs.is_deleted_in_source
