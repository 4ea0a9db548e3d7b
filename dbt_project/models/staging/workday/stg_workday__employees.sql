-- Gives the workers of a Workday report the fields of the HR extracts.
-- Grain: one row per employee.
{{ config(enabled=var('hris_system') == 'workday') }}

with

workers as (
  {{ current_rows(source('workday', 'workers'), ['"Employee_ID"']) }}
)

select
  "Employee_ID" as id,
  "Employee_ID" as "employeeNumber",
  "First_Name" as "firstName",
  "Middle_Name" as "middleName",
  "Last_Name" as "lastName",
  "Work_Email" as "workEmail",
  "User_Name" as "loginId",
  "Position" as "jobTitle",
  "Hire_Date" as "hireDate",
  "Termination_Date" as "terminationDate",
  case when "Active" then 'Active' else 'Inactive' end as status,
  is_deleted_in_source,
  _source_file,
  _source_row
from workers
