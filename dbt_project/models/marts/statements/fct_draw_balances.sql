-- Follows each draw month by month: what closed months advanced and recovered, what the open ones do, and what is
-- outstanding.
-- Grain: one row per draw, payee and month with a movement or a balance.
with

draw_months as (
  select * from {{ ref('int_ledger__draw_months') }}
),

posted as (
  select
    split_part(line_key, '|', 2) as draw_id,
    payee_id,
    plan_id,
    currency_code,
    posted_period_code as period_code,
    sum(case when event_code <> 'draw_recovery' then line_amount else 0 end) as advance_amount,
    -sum(case when event_code = 'draw_recovery' then line_amount else 0 end) as recovery_amount,
    sum(case when event_code <> 'guarantee' then line_amount else 0 end) as balance_change_amount
  from {{ ref('stg_books__lines') }}
  where entry_code = 'draw'
  group by draw_id, payee_id, plan_id, currency_code, posted_period_code
),

closed_months as (
  select
    *,
    sum(balance_change_amount) over (
      partition by draw_id, payee_id
      order by period_code
      rows between unbounded preceding and current row
    ) as balance_after_amount
  from posted
),

united as (
  select
    draw_id,
    payee_id,
    plan_id,
    currency_code,
    period_code,
    true as is_posted,
    balance_after_amount - balance_change_amount as balance_before_amount,
    advance_amount,
    recovery_amount,
    balance_after_amount
  from closed_months
  union all
  select
    draw_id,
    payee_id,
    plan_id,
    currency_code,
    period_code,
    false as is_posted,
    balance_before_amount,
    advance_amount,
    recovery_amount,
    balance_after_amount
  from draw_months
  where
    advance_amount <> 0
    or recovery_amount <> 0
    or balance_after_amount <> 0
),

final as (
  select
    (draw_id || '|' || payee_id || '|' || period_code)::varchar as draw_month_key,
    draw_id::varchar as draw_id,
    payee_id::varchar as payee_id,
    plan_id::varchar as plan_id,
    currency_code::varchar as currency_code,
    period_code::varchar as period_code,
    is_posted::boolean as is_posted,
    balance_before_amount::decimal(18, 4) as balance_before_amount,
    advance_amount::decimal(18, 4) as advance_amount,
    recovery_amount::decimal(18, 4) as recovery_amount,
    balance_after_amount::decimal(18, 4) as balance_after_amount
  from united
)

select * from final
