-- Reads employments from the landed versions of Rippling's employees: what it said before a rehire is the employment before.
-- An end date counts when Rippling says terminated, or when it lies before the start date; before that it is a notice.
-- Grain: one row per employee and start date.
{{ config(enabled=var('hris_system') == 'rippling') }}

{{ employment_from_versions(
  source('rippling', 'employees'), 'id', '"startDate"',
  "case when \"roleState\" = 'TERMINATED' then \"endDate\" end", var('hris_time_zone')
) }}
