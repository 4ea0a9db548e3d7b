-- Lists the stretches of days on which a payee is assigned to a plan, employed and not on leave: the days on the plan, by which
-- quota and incentive are prorated and floors and prizes are given.
-- Grain: one row per plan, payee and first day. Rule: docs/rules/attainment.md
with

assignments as (
  select * from {{ ref('plan_assignments') }}
),

employment_spans as (
  select * from {{ ref('int_parameters__employment_spans') }}
  where employment_code = 'employed'
),

final as (
  select
    assignments.plan_id::varchar as plan_id,
    assignments.payee_id::varchar as payee_id,
    greatest(assignments.valid_from, employment_spans.valid_from)::date as valid_from,
    ({{ earlier_end('assignments.valid_to', 'employment_spans.valid_to') }})::date as valid_to
  from assignments
  inner join employment_spans
    on
      assignments.payee_id = employment_spans.payee_id
      and (assignments.valid_to is null or employment_spans.valid_from < assignments.valid_to)
      and (employment_spans.valid_to is null or assignments.valid_from < employment_spans.valid_to)
)

select * from final
