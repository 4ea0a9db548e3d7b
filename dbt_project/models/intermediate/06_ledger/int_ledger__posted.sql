-- Adds up what closed periods have posted of each line (draws apart), and keeps the marks of the last posting.
-- Grain: one row per line that a closed period posted. Rule: docs/rules/ledger.md
with

posted_lines as (
  select * from {{ ref('stg_books__lines') }}
  where entry_code <> 'draw'
),

latest as (
  select
    *,
    sum(line_amount) over (partition by line_key) as posted_amount,
    row_number() over (
      partition by line_key
      order by posted_period_code desc
    ) as recency
  from posted_lines
),

final as (
  select
    line_key::varchar as line_key,
    entry_code::varchar as entry_code,
    event_code::varchar as event_code,
    event_date::date as event_date,
    due_date::date as due_date,
    origin_period_code::varchar as period_code,
    payee_id::varchar as payee_id,
    plan_id::varchar as plan_id,
    currency_code::varchar as currency_code,
    posted_amount::decimal(18, 4) as posted_amount,
    reward_id::varchar as reward_id,
    reward_kind_code::varchar as reward_kind_code,
    credit_id::varchar as credit_id,
    transaction_id::varchar as transaction_id,
    credited_payee_id::varchar as credited_payee_id,
    payment_id::varchar as payment_id,
    source_fingerprint::varchar as source_fingerprint,
    numbers_fingerprint::varchar as numbers_fingerprint,
    plan_fingerprint::varchar as plan_fingerprint
  from latest
  where recency = 1
)

select * from final
