-- Lists the variables that each plan's number formulas name (quota, incentive, tiers, bonuses, modifiers).
-- Grain: one row per plan, variable and whether the quota or incentive names it.
with

named as (
  {{ formula_variables() }}
)

select
  plan_id::varchar as plan_id,
  variable_name::varchar as variable_name,
  is_of_version::boolean as is_of_version
from named
