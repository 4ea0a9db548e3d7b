-- Reads off each deal, as it has landed, the day on which it was cancelled, for the plans whose terms say in which field
-- that stands.
-- Grain: one row per plan and cancelled deal. Rule: docs/rules/payouts.md
with

evaluated as (
  {{ plan_cancellations() }}
),

deals as (
  select * from {{ ref('int_pool__deal_versions') }}
),

final as (
  select
    evaluated.plan_id::varchar as plan_id,
    evaluated.transaction_id::varchar as transaction_id,
    greatest(evaluated.cancelled_date, deals.booked_date)::date as cancelled_date
  from evaluated
  inner join deals
    on
      evaluated.transaction_id = deals.transaction_id
      and evaluated.version_code = deals.version_code
  where
    deals.booked_date >= evaluated.terms_from
    and (evaluated.terms_to is null or deals.booked_date < evaluated.terms_to)
    and evaluated.cancelled_date <= {{ as_of_date() }}
)

select * from final
