-- A payee belongs to two teams that give one variable different rows on the same day. Fix: end one of the memberships,
-- or give the payee a value of scope payee in seeds/plans/variables.csv.
select
  variable_name,
  payee_id,
  plan_id,
  number_date,
  value_count
from {{ ref('int_attainment__variable_values') }}
where value_count > 1
