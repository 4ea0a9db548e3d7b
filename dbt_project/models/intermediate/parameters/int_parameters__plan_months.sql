-- Lists the months in which a payee is on a plan for a day or more, under a version of it that is in force then.
-- Grain: one row per payee, plan version and month. Rule: docs/administration.md
with

assignments as (
  select * from {{ ref('plan_assignments') }}
),

plan_versions as (
  select * from {{ ref('plans') }}
),

months as (
  select * from {{ ref('int_parameters__windows') }}
  where calendar_id = 'month'
),

dated as (
  select
    assignments.payee_id,
    plan_versions.plan_id,
    plan_versions.valid_from as plan_valid_from,
    plan_versions.currency_code,
    plan_versions.beneficiary_code,
    greatest(assignments.valid_from, plan_versions.valid_from) as first_day,
    {{ earlier_end('assignments.valid_to', 'plan_versions.valid_to') }} as end_day
  from assignments
  inner join plan_versions on assignments.plan_id = plan_versions.plan_id
),

final as (
  select distinct
    dated.payee_id::varchar as payee_id,
    dated.plan_id::varchar as plan_id,
    dated.plan_valid_from::date as plan_valid_from,
    months.window_code::varchar as period_code,
    dated.currency_code::varchar as currency_code,
    dated.beneficiary_code::varchar as beneficiary_code
  from dated
  inner join months
    on
      dated.first_day < months.window_to
      and (dated.end_day is null or months.window_from < dated.end_day)
  where dated.end_day is null or dated.first_day < dated.end_day
)

select * from final
