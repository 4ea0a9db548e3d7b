-- A plan that does not allow gaps (gap_code error) names a @@variable in a filter, value or credit rule that has no value
-- on the booking date. Fix: add a row of scope plan or global to seeds/plans/variables.csv, or set gap_code to list.
with

dispositions as (
  select * from {{ ref('int_crediting__dispositions') }}
  where reason_code in ('missing_filter_variable', 'missing_value_variable', 'missing_share_variable')
),

plan_versions as (
  select * from {{ ref('plans') }}
  where gap_code = 'error'
)

select
  dispositions.plan_id,
  dispositions.transaction_id,
  dispositions.booked_date,
  dispositions.reason_code
from dispositions
inner join plan_versions
  on
    dispositions.plan_id = plan_versions.plan_id
    and dispositions.plan_valid_from = plan_versions.valid_from
