-- Reads employments from the landed versions of the Workday report: what it said before a rehire is the employment before.
-- Grain: one row per employee and hire date.
{{ config(enabled=var('hris_system') == 'workday') }}

{{ employment_from_versions(
  source('workday', 'workers'), '"Employee_ID"', '"Hire_Date"', '"Termination_Date"', var('hris_time_zone')
) }}
