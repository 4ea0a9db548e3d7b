-- Lists what takes commission back and has landed since the last calculation: refunds and credit memos that are new or other
-- than they were, payments that the source has deleted, cancelled deals. A view over what has landed, read after each
-- landing; right after a calculation it is empty.
-- Grain: one row per refund, credit memo, deleted payment or plan's cancelled deal. Rule: docs/operating.md
with

payments as (
  select * from {{ ref('stg_billing__payments') }}
),

collections as (
  select * from {{ ref('int_pool__collections') }}
  where version_code = 'current'
),

eligible as (
  select * from {{ ref('int_filtering__eligible') }}
),

landed_cancellations as (
  select * from {{ ref('int_valuation__landed_cancellations') }}
),

cancellations as (
  select * from {{ ref('int_valuation__cancellations') }}
),

returned as (
  select
    'payment|' || payments.payment_id as landed_loss_key,
    payments.kind as cause_code
  from payments
  left join collections on payments.payment_id = collections.payment_id
  where
    payments.kind in ('refund', 'credit_memo')
    and not payments.is_deleted_in_source
    and (
      collections.payment_id is null
      or collections.reason_code is not distinct from 'deleted_in_source'
      or payments.amount is distinct from collections.payment_amount
      or payments.paid_date is distinct from collections.paid_date
    )
),

deleted as (
  select
    'payment|' || payments.payment_id as landed_loss_key,
    'deleted_in_source' as cause_code
  from payments
  inner join collections on payments.payment_id = collections.payment_id
  where
    payments.is_deleted_in_source
    and collections.reason_code is distinct from 'deleted_in_source'
),

cancelled as (
  select
    'deal|' || landed_cancellations.plan_id || '|' || landed_cancellations.transaction_id as landed_loss_key,
    'cancelled' as cause_code
  from landed_cancellations
  inner join eligible
    on
      landed_cancellations.plan_id = eligible.plan_id
      and landed_cancellations.transaction_id = eligible.transaction_id
  left join cancellations
    on
      landed_cancellations.plan_id = cancellations.plan_id
      and landed_cancellations.transaction_id = cancellations.transaction_id
  where landed_cancellations.cancelled_date is distinct from cancellations.cancelled_date
),

final as (
  select * from returned
  union all
  select * from deleted
  union all
  select * from cancelled
)

select
  landed_loss_key::varchar as landed_loss_key,
  cause_code::varchar as cause_code
from final
