-- A reporting line is deeper than var hierarchy_levels_max, which is what a circle of managers looks like. Mend:
-- correct reportsTo in the HRIS.
select
  payee_id,
  ancestor_id,
  level_number
from {{ ref('int_parameters__reporting_lines') }}
where level_number >= {{ var('hierarchy_levels_max') }}
