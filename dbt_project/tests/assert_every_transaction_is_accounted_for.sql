-- Invariant 1: every transaction of the pool is in the dispositions, once per plan that names its source object (or once
-- without a plan), and what is credited plus what is skipped is all there is, in number and amount. A payment is a
-- transaction only for the plans that credit on collection in one of their versions. A plan's transactions are those of the
-- version of deals that it reads.
with

transactions as (
  select * from {{ ref('int_pool__transaction_versions') }}
),

plans as (
  select
    plan_versions.plan_id,
    plan_versions.source_object,
    {{ version_code('plan_versions') }} as version_code,
    count(*) filter (where plan_versions.credit_event_code = 'collection') as collecting_versions
  from {{ ref('plans') }} as plan_versions
  group by all
),

planned_objects as (
  select distinct source_object
  from plans
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
      and transactions.version_code = plans.version_code
      and (transactions.credit_event_code = 'booking' or plans.collecting_versions > 0)
  left join planned_objects
    on transactions.source_system || '/' || transactions.source_object = planned_objects.source_object
  where
    plans.plan_id is not null
    or planned_objects.source_object is null
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
