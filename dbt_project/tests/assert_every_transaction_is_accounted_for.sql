-- Invariant 1: every transaction of the pool is in the dispositions, once per plan that names its source object (or once
-- without a plan), and what is credited plus what is skipped is all there is, in number and amount. A payment is a
-- transaction only for the plans that credit on collection in one of their versions.
with

transactions as (
  select * from {{ ref('int_pool__transactions') }}
),

plans as (
  select
    plan_id,
    source_object,
    count(*) filter (where credit_event_code = 'collection') as collecting_versions
  from {{ ref('plans') }}
  group by plan_id, source_object
),

dispositions as (
  select * from {{ ref('rpt_transaction_dispositions') }}
),

expected as (
  select
    transactions.transaction_id,
    coalesce(plans.plan_id, '') as plan_id,
    transactions.transaction_amount
  from transactions
  left join plans
    on
      transactions.source_system || '/' || transactions.source_object = plans.source_object
      and (transactions.credit_event_code = 'booking' or plans.collecting_versions > 0)
),

found as (
  select
    transaction_id,
    coalesce(plan_id, '') as plan_id,
    max(transaction_amount) as transaction_amount,
    count(*) as row_count,
    count(*) filter (where disposition_code = 'credited' and credit_count > 0 and reason_code is null) as credited_count,
    count(*) filter (where disposition_code = 'skipped' and credit_count = 0 and reason_code is not null)
      as skipped_count
  from dispositions
  group by transaction_id, coalesce(plan_id, '')
)

select
  coalesce(expected.transaction_id, found.transaction_id) as transaction_id,
  coalesce(expected.plan_id, found.plan_id) as plan_id,
  found.row_count
from expected
full outer join found
  on
    expected.transaction_id = found.transaction_id
    and expected.plan_id = found.plan_id
where
  expected.transaction_id is null
  or found.transaction_id is null
  or found.row_count <> 1
  or found.credited_count + found.skipped_count <> 1
  or found.transaction_amount is distinct from expected.transaction_amount
