-- A plan names a variable that has no value for a payee on the day that the window is read. Mend: add a row to
-- seeds/plans/variables.csv for the variable, for that payee (or the plan, or global), in force on that day.
select
  variable_name,
  plan_id,
  payee_id,
  parameters_date
from {{ ref('int_attainment__variable_values') }}
where value is null
