-- Managers in a circle, each with the way round it and the days; or, without a circle, a reporting line that is deeper than
-- var hierarchy_levels_max. Fix: correct reportsTo in the HRIS.
with recursive

managers as (
  select * from {{ ref('int_parameters__managers') }}
  where manager_id is not null
),

walked as (
  select
    payee_id as first_id,
    payee_id as lowest_id,
    manager_id as last_id,
    payee_id || ' reports to ' || manager_id as reporting_line,
    1 as level_number,
    valid_from,
    valid_to
  from managers
  union all
  select
    walked.first_id,
    least(walked.lowest_id, managers.payee_id) as lowest_id,
    managers.manager_id as last_id,
    walked.reporting_line || ' reports to ' || managers.manager_id as reporting_line,
    walked.level_number + 1 as level_number,
    greatest(walked.valid_from, managers.valid_from) as valid_from,
    {{ earlier_end('walked.valid_to', 'managers.valid_to') }} as valid_to
  from walked
  inner join managers
    on
      walked.last_id = managers.payee_id
      and (walked.valid_to is null or managers.valid_from < walked.valid_to)
      and (managers.valid_to is null or walked.valid_from < managers.valid_to)
  where walked.last_id <> walked.first_id and walked.level_number < {{ var('hierarchy_levels_max') }}
),

circles as (
  select *
  from walked
  where last_id = first_id and first_id = lowest_id
),

deep_lines as (
  select *
  from walked
  where level_number >= {{ var('hierarchy_levels_max') }} and not exists (select 1 from circles)
)

select
  reporting_line,
  valid_from,
  valid_to
from circles
union all
select
  reporting_line,
  valid_from,
  valid_to
from deep_lines
