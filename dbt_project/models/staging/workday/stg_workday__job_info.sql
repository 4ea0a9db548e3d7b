-- Gives the effective-dated positions of a Workday report the fields of the HR extracts: the manager by employee id.
-- Rows that the report no longer has are left out: another row may have taken their date. Of several positions that take
-- effect on one day the last in the report's order holds; the others are listed by assert_workday_days_have_one_position.
-- Grain: one row per employee and effective date.
{{ config(enabled=var('hris_system') == 'workday') }}

with

positions as (
  {{ current_rows(source('workday', 'position_history'), ['"Employee_ID"', '"Effective_Date"', 'report_order']) }}
),

numbered as (
  select
    *,
    row_number() over (
      partition by "Employee_ID", "Effective_Date"
      order by coalesce(report_order, 1) desc
    ) as place_from_last
  from positions
  where not is_deleted_in_source
)

select
  "Employee_ID" as "employeeId",
  "Effective_Date" as "date",
  "Position" as "jobTitle",
  nullif("Manager_ID", '') as "reportsTo",
  is_deleted_in_source,
  _source_file,
  _source_row
from numbered
where place_from_last = 1
