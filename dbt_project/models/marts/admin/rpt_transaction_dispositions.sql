-- Accounts for every transaction under every plan: credited, or skipped with its reason.
-- Grain: one row per transaction and plan (one row without a plan where no plan names the source object).
with

dispositions as (
  select * from {{ ref('int_crediting__dispositions') }}
),

transactions as (
  select * from {{ ref('int_pool__transaction_versions') }}
),

reason_codes as (
  select * from {{ ref('reason_codes') }}
),

final as (
  select
    dispositions.verdict_key::varchar as verdict_key,
    dispositions.transaction_id::varchar as transaction_id,
    dispositions.plan_id::varchar as plan_id,
    dispositions.version_code::varchar as version_code,
    transactions.source_system::varchar as source_system,
    transactions.source_object::varchar as source_object,
    transactions.source_record_id::varchar as source_record_id,
    transactions.is_closed_won::boolean as is_closed_won,
    dispositions.disposition_code::varchar as disposition_code,
    reason_codes.stage_code::varchar as stage_code,
    dispositions.reason_code::varchar as reason_code,
    reason_codes.precedence::integer as precedence,
    transactions.booked_date::date as booked_date,
    transactions.currency_code::varchar as currency_code,
    transactions.transaction_amount::decimal(28, 10) as transaction_amount,
    dispositions.credit_count::bigint as credit_count
  from dispositions
  inner join transactions
    on
      dispositions.transaction_id = transactions.transaction_id
      and dispositions.version_code = transactions.version_code
  left join reason_codes on dispositions.reason_code = reason_codes.reason_code
)

select * from final
