-- Every landed payment either reaches a deal or is listed with a reason.
with

payments as (
  select payment_id from {{ ref('stg_billing__payments') }}
),

collections as (
  select * from {{ ref('int_pool__collections') }}
),

unmatched as (
  select payment_id from {{ ref('rpt_unmatched_payments') }}
)

select payments.payment_id
from payments
left join collections on payments.payment_id = collections.payment_id
left join unmatched on payments.payment_id = unmatched.payment_id
where
  collections.payment_id is null
  or (collections.reason_code is not null) <> (unmatched.payment_id is not null)
  or (collections.reason_code is null and collections.collected_amount is null)
