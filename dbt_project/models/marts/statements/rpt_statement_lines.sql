-- Sorts the lines that released months post into the sections of a statement, and says of each what its event earned to
-- date and what was posted of it before.
-- Grain: one row per posted line of a released month. Rule: docs/statements.md
with

ledger_lines as (
  select
    *,
    sum(line_amount) over (
      partition by line_key
      order by posted_period_code
      rows between unbounded preceding and current row
    ) as posted_to_date_amount
  from {{ ref('fct_ledger_lines') }}
),

released_months as (
  select * from {{ ref('rpt_released_months') }}
  where is_rewards_released
),

parts as (
  select * from {{ ref('int_ledger__due_lines') }}
),

events as (
  select
    line_key,
    line_amount as event_amount,
    sum(line_amount) over (
      partition by commission_key
      order by event_date, event_order, line_key
      rows between unbounded preceding and current row
    ) as earned_to_date_amount
  from {{ ref('int_ledger__lines') }}
),

adjustments as (
  select * from {{ ref('fct_adjustments') }}
),

reasons as (
  select * from {{ ref('reason_codes') }}
),

transactions as (
  select * from {{ ref('dim_transactions') }}
),

sorted as (
  select
    ledger_lines.*,
    case
      when ledger_lines.event_code = 'draw_recovery' then 'draw_recovery'
      when ledger_lines.entry_code = 'draw' then 'draw'
      when ledger_lines.entry_code = 'adjustment' then 'adjustment'
      when ledger_lines.reason_code is not null then 'correction'
      when ledger_lines.event_code in ('clawback', 'clawback_return', 'refund') then 'clawback'
      when ledger_lines.event_code = 'credit_memo' and ledger_lines.line_amount < 0 then 'clawback'
      when ledger_lines.origin_period_code < ledger_lines.posted_period_code then 'from_hold'
      else 'earned'
    end as section_code
  from ledger_lines
),

final as (
  select
    sorted.ledger_line_key::varchar as ledger_line_key,
    concat_ws('|', sorted.payee_id, sorted.plan_id, sorted.posted_period_code, sorted.currency_code)::varchar
      as statement_key,
    sorted.payee_id::varchar as payee_id,
    sorted.plan_id::varchar as plan_id,
    sorted.posted_period_code::varchar as period_code,
    sorted.currency_code::varchar as currency_code,
    sorted.section_code::varchar as section_code,
    sorted.event_code::varchar as event_code,
    sorted.event_date::date as event_date,
    sorted.due_date::date as due_date,
    sorted.origin_period_code::varchar as origin_period_code,
    sorted.line_amount::decimal(18, 4) as line_amount,
    sorted.reason_code::varchar as reason_code,
    coalesce(adjustments.reason, reasons.description)::varchar as reason_text,
    adjustments.requested_by::varchar as requested_by,
    adjustments.decided_by::varchar as decided_by,
    (sorted.posted_to_date_amount - sorted.line_amount)::decimal(18, 4) as posted_before_amount,
    sorted.posted_to_date_amount::decimal(18, 4) as posted_to_date_amount,
    parts.part_code::varchar as part_code,
    (case when parts.is_due then parts.part_amount end)::decimal(18, 4) as owed_amount,
    events.event_amount::decimal(18, 4) as event_amount,
    (events.earned_to_date_amount - events.event_amount)::decimal(18, 4) as earned_before_amount,
    events.earned_to_date_amount::decimal(18, 4) as earned_to_date_amount,
    sorted.transaction_id::varchar as transaction_id,
    transactions.source_record_id::varchar as source_record_id,
    sorted.payment_id::varchar as payment_id,
    sorted.credited_payee_id::varchar as credited_payee_id
  from sorted
  inner join released_months
    on
      sorted.plan_id = released_months.plan_id
      and sorted.posted_period_code = released_months.period_code
  left join parts on sorted.line_key = parts.part_key
  left join events on parts.line_key = events.line_key
  left join adjustments on sorted.line_key = 'adjustment|' || cast(adjustments.adjustment_number as varchar)
  left join reasons on sorted.reason_code = reasons.reason_code
  left join transactions on sorted.transaction_id = transactions.transaction_id
)

select * from final
