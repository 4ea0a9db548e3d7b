-- Says by how much an open month recognises more of a line than it posts: what is earned and held, and with a minus what
-- was recognised before and becomes due. The book of the month keeps it, so that a hold that ends or is lifted earns
-- nothing again.
-- Grain: one row per line and open month that does not post what it recognises. Rule: docs/rules/accounting.md
with

earned_lines as (
  select * from {{ ref('int_ledger__earned_lines') }}
  where
    entry_code = 'reward'
    and not is_closed
),

posted_lines as (
  select * from {{ ref('int_ledger__open_lines') }}
  where entry_code = 'reward'
),

compared as (
  select
    coalesce(earned_lines.line_key, posted_lines.line_key) as line_key,
    coalesce(earned_lines.period_code, posted_lines.posted_period_code) as period_code,
    coalesce(earned_lines.event_code, posted_lines.event_code) as event_code,
    coalesce(earned_lines.event_date, posted_lines.event_date) as event_date,
    coalesce(earned_lines.payee_id, posted_lines.payee_id) as payee_id,
    coalesce(earned_lines.plan_id, posted_lines.plan_id) as plan_id,
    coalesce(earned_lines.transaction_id, posted_lines.transaction_id) as transaction_id,
    coalesce(earned_lines.currency_code, posted_lines.currency_code) as currency_code,
    coalesce(earned_lines.earned_amount, 0) - coalesce(posted_lines.line_amount, 0) as held_amount
  from earned_lines
  full outer join posted_lines
    on
      earned_lines.line_key = posted_lines.line_key
      and earned_lines.period_code = posted_lines.posted_period_code
),

final as (
  select
    period_code::varchar as period_code,
    line_key::varchar as line_key,
    event_code::varchar as event_code,
    event_date::date as event_date,
    payee_id::varchar as payee_id,
    plan_id::varchar as plan_id,
    transaction_id::varchar as transaction_id,
    currency_code::varchar as currency_code,
    held_amount::decimal(18, 4) as held_amount
  from compared
  where held_amount <> 0
)

select * from final
