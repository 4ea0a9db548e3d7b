-- Lists the stretches of days on which a payee is assigned to a plan: those on which the payee is employed and not on leave
-- (is_there), by which quota and incentive are prorated and floors and prizes are given; and, as rows of their own, the
-- whole assignments.
-- Grain: one row per plan, payee, is_there and first day. Rule: docs/rules/attainment.md
with

assignments as (
  select * from {{ ref('plan_assignments') }}
),

employment_spans as (
  select * from {{ ref('int_parameters__employment_spans') }}
  where employment_code = 'employed'
),

united as (
  select
    assignments.plan_id,
    assignments.payee_id,
    true as is_there,
    greatest(assignments.valid_from, employment_spans.valid_from) as valid_from,
    {{ earlier_end('assignments.valid_to', 'employment_spans.valid_to') }} as valid_to
  from assignments
  inner join employment_spans
    on
      assignments.payee_id = employment_spans.payee_id
      and (assignments.valid_to is null or employment_spans.valid_from < assignments.valid_to)
      and (employment_spans.valid_to is null or assignments.valid_from < employment_spans.valid_to)
  union all
  select
    plan_id,
    payee_id,
    false as is_there,
    valid_from,
    valid_to
  from assignments
),

final as (
  select
    plan_id::varchar as plan_id,
    payee_id::varchar as payee_id,
    is_there::boolean as is_there,
    valid_from::date as valid_from,
    valid_to::date as valid_to
  from united
)

select * from final
