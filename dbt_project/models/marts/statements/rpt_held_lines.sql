-- Lists what is earned but not yet paid because it is held: for some days after its event, held back, or by hand.
-- Grain: one row per line and part that is not due.
with

due_lines as (
  select * from {{ ref('int_ledger__due_lines') }}
  where not is_due
),

lines as (
  select * from {{ ref('int_ledger__lines') }}
),

final as (
  select
    due_lines.part_key::varchar as part_key,
    due_lines.line_key::varchar as line_key,
    due_lines.plan_id::varchar as plan_id,
    due_lines.payee_id::varchar as payee_id,
    due_lines.transaction_id::varchar as transaction_id,
    lines.event_code::varchar as event_code,
    due_lines.event_date::date as event_date,
    due_lines.due_date::date as due_date,
    (
      case
        when due_lines.hold_id is not null then 'manual'
        when due_lines.part_code = 'holdback' then 'holdback'
        else 'hold'
      end
    )::varchar as hold_code,
    due_lines.hold_id::varchar as hold_id,
    due_lines.hold_reason::varchar as hold_reason,
    due_lines.currency_code::varchar as currency_code,
    due_lines.part_amount::decimal(18, 4) as held_amount
  from due_lines
  inner join lines on due_lines.line_key = lines.line_key
)

select * from final
