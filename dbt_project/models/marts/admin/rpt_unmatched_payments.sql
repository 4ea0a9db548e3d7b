-- Lists the payments and refunds that reach no deal in a version of it that some plan reads, each with the reason and what
-- to do about it.
-- Grain: one row per payment or refund and reason.
with

read_versions as (
  select distinct {{ version_code('plan_versions') }} as read_code
  from {{ ref('plans') }} as plan_versions
  where plan_versions.source_object = 'crm/Opportunity'
),

collections as (
  select * from {{ ref('int_pool__collections') }}
  where
    version_code in (select read_versions.read_code from read_versions)
    or (version_code = 'current' and not exists (select 1 from read_versions))
),

unmatched as (
  select distinct
    payment_id,
    kind_code,
    invoice_id,
    deal_id,
    paid_date,
    currency_code,
    payment_amount,
    reason_code
  from collections
  where reason_code is not null
),

reason_codes as (
  select * from {{ ref('reason_codes') }}
),

final as (
  select
    unmatched.payment_id::varchar as payment_id,
    unmatched.kind_code::varchar as kind_code,
    unmatched.invoice_id::varchar as invoice_id,
    unmatched.deal_id::varchar as deal_id,
    unmatched.paid_date::date as paid_date,
    unmatched.currency_code::varchar as currency_code,
    unmatched.payment_amount::decimal(28, 10) as payment_amount,
    unmatched.reason_code::varchar as reason_code,
    reason_codes.description::varchar as reason_description,
    reason_codes.fix::varchar as fix
  from unmatched
  inner join reason_codes on unmatched.reason_code = reason_codes.reason_code
)

select * from final
