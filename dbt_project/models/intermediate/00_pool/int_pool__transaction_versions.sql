-- Lists what plans can credit: every deal on its booking date, and, where a plan credits payments, each matched payment,
-- refund and credit memo of a deal as a transaction of its own on its paid date, with the deal's fields; as deals are today
-- and in each other version that a plan reads.
-- Grain: one row per transaction and version of its deal. Rule: docs/rules/payouts.md
with

deals as (
  select * from {{ ref('int_pool__deal_versions') }}
),

collections as (
  select * from {{ ref('int_pool__collections') }}
  where reason_code is null
),

collecting_objects as (
  select distinct
    plan_versions.source_object,
    {{ version_code('plan_versions') }} as version_code
  from {{ ref('plans') }} as plan_versions
  where plan_versions.credit_event_code = 'collection'
),

united as (
  select
    *,
    'booking' as credit_event_code,
    transaction_id as deal_transaction_id,
    booked_date as deal_booked_date,
    transaction_amount as deal_amount,
    null as payment_id,
    null as payment_kind_code
  from deals
  union all
  select
    deals.* replace (
      deals.transaction_id || '@' || collections.payment_id as transaction_id,
      collections.paid_date as booked_date,
      collections.payment_amount as transaction_amount
    ),
    'collection' as credit_event_code,
    deals.transaction_id as deal_transaction_id,
    deals.booked_date as deal_booked_date,
    deals.transaction_amount as deal_amount,
    collections.payment_id,
    collections.kind_code as payment_kind_code
  from deals
  inner join collecting_objects
    on
      deals.source_system || '/' || deals.source_object = collecting_objects.source_object
      and deals.version_code = collecting_objects.version_code
  inner join collections
    on
      deals.transaction_id = collections.transaction_id
      and deals.version_code = collections.version_code
)

select
  (version_code || '|' || transaction_id)::varchar as transaction_version_key,
  transaction_id::varchar as transaction_id,
  version_code::varchar as version_code,
  source_system::varchar as source_system,
  source_object::varchar as source_object,
  source_record_id::varchar as source_record_id,
  booked_date::date as booked_date,
  owner_alias::varchar as owner_alias,
  territory_id::varchar as territory_id,
  currency_code::varchar as currency_code,
  transaction_amount::decimal(28, 10) as transaction_amount,
  is_closed_won::boolean as is_closed_won,
  is_deleted_in_source::boolean as is_deleted_in_source,
  source_file::varchar as source_file,
  source_row::bigint as source_row,
  credit_event_code::varchar as credit_event_code,
  deal_transaction_id::varchar as deal_transaction_id,
  deal_booked_date::date as deal_booked_date,
  deal_amount::decimal(28, 10) as deal_amount,
  payment_id::varchar as payment_id,
  payment_kind_code::varchar as payment_kind_code
from united
