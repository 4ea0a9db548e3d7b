-- A payee was credited in a window for which the plan has no tiers. Mend: add tiers in force on that day to
-- seeds/plans/tiers.csv.
with

windows as (
  select * from {{ ref('int_attainment__windows') }}
),

tiers as (
  select * from {{ ref('tiers') }}
)

select
  windows.plan_id,
  windows.payee_id,
  windows.parameters_date
from windows
left join tiers
  on
    windows.plan_id = tiers.plan_id
    and {{ in_force('windows.parameters_date', 'tiers') }}
where tiers.plan_id is null
