-- Every landed payment either reaches a deal, in each version that plans read, or is listed with a reason.
with

payments as (
  select payment_id from {{ ref('stg_billing__payments') }}
),

read_versions as (
  select distinct {{ version_code('plan_versions') }} as read_code
  from {{ ref('plans') }} as plan_versions
  where plan_versions.source_object = 'crm/Opportunity'
),

collections as (
  select
    payment_id,
    bool_or(reason_code is not null) as is_unmatched,
    bool_or(reason_code is null and collected_amount is null) as is_without_amount
  from {{ ref('int_pool__collections') }}
  where
    version_code in (select read_versions.read_code from read_versions)
    or not exists (select 1 from read_versions)
  group by payment_id
),

unmatched as (
  select distinct payment_id from {{ ref('rpt_unmatched_payments') }}
)

select payments.payment_id
from payments
left join collections on payments.payment_id = collections.payment_id
left join unmatched on payments.payment_id = unmatched.payment_id
where
  collections.payment_id is null
  or collections.is_unmatched <> (unmatched.payment_id is not null)
  or collections.is_without_amount
