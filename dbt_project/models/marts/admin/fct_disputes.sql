-- Follows each dispute: which payee's line or payout is disputed, who answered and decided it, what settles it, how
-- long it was open. A dispute moves no money; its adjustment does, once it is approved. Decisions by the person who
-- filed do not count.
-- Grain: one row per dispute. Rule: docs/closing.md
with

events as (
  select * from {{ ref('rpt_dispute_events') }}
),

actions as (
  select * from {{ ref('stg_books__actions') }}
  where action_code = 'dispute_filed'
),

adjustments as (
  select * from {{ ref('int_ledger__adjustments') }}
),

ledger_lines as (
  select * from {{ ref('fct_ledger_lines') }}
),

closings as (
  select * from {{ ref('stg_books__closings') }}
),

followed as (
  select
    dispute_number,
    max_by(state_code, event_number) as state_code,
    max(case when action_code = 'dispute_answered' then acted_at end) as answered_at,
    max_by(actor, event_number) filter (where action_code = 'dispute_answered') as answered_by,
    max_by(reason, event_number) filter (where action_code = 'dispute_answered') as answer,
    max(case when is_decision then acted_at end) as decided_at,
    max(case when is_decision then actor end) as decided_by,
    max(case when is_decision then reason end) as decision_reason,
    max(adjustment_number) as adjustment_number
  from events
  group by dispute_number
),

named as (
  select
    *,
    case
      when ledger_line_key is not null then 'line'
      when transaction_id is not null then 'deal'
      else 'payout'
    end as subject_code,
    substring(ledger_line_key, strpos(ledger_line_key, '|') + 1) as line_key
  from actions
),

-- The line with its later corrections, or what the month pays of it today.
current_amounts as (
  select
    named.action_number as dispute_number,
    sum(ledger_lines.line_amount) as current_amount
  from named
  inner join ledger_lines
    on
      named.payee_id = ledger_lines.payee_id
      and named.currency_code = ledger_lines.currency_code
      and (named.plan_id is null or named.plan_id = ledger_lines.plan_id)
      and (
        named.line_key = ledger_lines.line_key
        or (
          named.line_key is null
          and named.period_code = ledger_lines.posted_period_code
          and (named.transaction_id is null or named.transaction_id = ledger_lines.transaction_id)
        )
      )
  group by named.action_number
),

postings as (
  select
    line_key,
    min(posted_period_code) as posted_period_code
  from ledger_lines
  where entry_code = 'adjustment'
  group by line_key
),

joined as (
  select
    named.*,
    followed.state_code,
    followed.answered_at,
    followed.answered_by,
    followed.answer,
    followed.decided_at,
    followed.decided_by,
    followed.decision_reason,
    followed.adjustment_number as settling_number,
    followed.state_code in ('filed', 'answered') as is_open,
    coalesce(current_amounts.current_amount, 0) as current_amount,
    adjustments.state_code as adjustment_state_code,
    adjustments.currency_code as settled_currency_code,
    case
      when adjustments.state_code = 'approved' then adjustments.adjustment_amount
      when adjustments.state_code in ('rejected', 'reversed') then 0
    end as settled_amount,
    postings.posted_period_code as settled_period_code,
    closings.period_code is not null as is_period_closed
  from named
  inner join followed on named.action_number = followed.dispute_number
  left join current_amounts on named.action_number = current_amounts.dispute_number
  left join adjustments on followed.adjustment_number = adjustments.adjustment_number
  left join postings on 'adjustment|' || cast(followed.adjustment_number as varchar) = postings.line_key
  left join closings on named.period_code = closings.period_code
),

final as (
  select
    action_number::bigint as dispute_number,
    state_code::varchar as state_code,
    is_open::boolean as is_open,
    subject_code::varchar as subject_code,
    ledger_line_key::varchar as ledger_line_key,
    transaction_id::varchar as transaction_id,
    payee_id::varchar as payee_id,
    plan_id::varchar as plan_id,
    period_code::varchar as period_code,
    is_period_closed::boolean as is_period_closed,
    coalesce(currency_code, settled_currency_code)::varchar as currency_code,
    coalesce(amount, 0)::decimal(18, 4) as disputed_amount,
    claimed_amount::decimal(18, 4) as claimed_amount,
    current_amount::decimal(18, 4) as current_amount,
    reason::varchar as reason,
    acted_at::timestamp as filed_at,
    actor::varchar as filed_by,
    answered_at::timestamp as answered_at,
    answered_by::varchar as answered_by,
    answer::varchar as answer,
    decided_at::timestamp as decided_at,
    decided_by::varchar as decided_by,
    decision_reason::varchar as decision_reason,
    settling_number::bigint as adjustment_number,
    adjustment_state_code::varchar as adjustment_state_code,
    settled_amount::decimal(18, 4) as settled_amount,
    settled_period_code::varchar as settled_period_code,
    greatest(
      {{ dbt.datediff(
        'cast(acted_at as date)', "coalesce(cast(decided_at as date), " ~ as_of_date() ~ ")", 'day'
      ) }},
      0
    )::integer as open_days
  from joined
)

select * from final
