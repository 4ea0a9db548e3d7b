-- Lists the transactions that earn nothing under a plan, each with the reason and what to do about it, and with
-- whether another plan credits it.
-- Grain: one row per skipped transaction and plan.
with

dispositions as (
  select * from {{ ref('rpt_transaction_dispositions') }}
),

reason_codes as (
  select * from {{ ref('reason_codes') }}
),

transactions as (
  select * from {{ ref('int_pool__transactions') }}
),

credited as (
  select distinct transaction_id
  from dispositions
  where credit_count > 0
),

flagged as (
  select
    dispositions.*,
    credited.transaction_id is not null as is_credited_elsewhere
  from dispositions
  left join credited on dispositions.transaction_id = credited.transaction_id
),

final as (
  select
    flagged.verdict_key::varchar as verdict_key,
    flagged.transaction_id::varchar as transaction_id,
    flagged.plan_id::varchar as plan_id,
    flagged.source_system::varchar as source_system,
    flagged.source_object::varchar as source_object,
    flagged.source_record_id::varchar as source_record_id,
    transactions.source_file::varchar as source_file,
    transactions.source_row::bigint as source_row,
    flagged.is_closed_won::boolean as is_closed_won,
    flagged.stage_code::varchar as stage_code,
    flagged.reason_code::varchar as reason_code,
    reason_codes.description::varchar as reason_description,
    reason_codes.fix::varchar as fix,
    flagged.booked_date::date as booked_date,
    flagged.currency_code::varchar as currency_code,
    flagged.transaction_amount::decimal(28, 10) as transaction_amount,
    flagged.is_credited_elsewhere::boolean as is_credited_elsewhere
  from flagged
  inner join transactions on flagged.transaction_id = transactions.transaction_id
  inner join reason_codes on flagged.reason_code = reason_codes.reason_code
  where flagged.disposition_code = 'skipped'
)

select * from final
