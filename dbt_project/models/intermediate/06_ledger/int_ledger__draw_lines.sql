-- Turns what open months advance and recover into lines of the ledger.
-- Grain: one row per draw, payee, open month and kind of line. Rule: docs/rules/payouts.md
with

draw_months as (
  select * from {{ ref('int_ledger__draw_months') }}
),

plan_fingerprints as (
  select * from {{ ref('int_ledger__plan_fingerprints') }}
),

united as (
  select
    *,
    case when draw_kind_code = 'recoverable' then 'draw' else 'guarantee' end as event_code,
    advance_amount as line_amount
  from draw_months
  where advance_amount <> 0
  union all
  select
    *,
    'draw_recovery' as event_code,
    -recovery_amount as line_amount
  from draw_months
  where recovery_amount <> 0
),

final as (
  select
    ('draw|' || united.draw_month_key || '|' || united.event_code)::varchar as line_key,
    united.draw_month_key::varchar as draw_month_key,
    united.draw_id::varchar as draw_id,
    united.payee_id::varchar as payee_id,
    united.plan_id::varchar as plan_id,
    united.period_code::varchar as period_code,
    united.settled_date::date as settled_date,
    united.event_code::varchar as event_code,
    united.currency_code::varchar as currency_code,
    united.line_amount::decimal(18, 4) as line_amount,
    united.balance_after_amount::decimal(18, 4) as balance_after_amount,
    plan_fingerprints.plan_fingerprint::varchar as plan_fingerprint
  from united
  left join plan_fingerprints on united.plan_id = plan_fingerprints.plan_id
)

select * from final
