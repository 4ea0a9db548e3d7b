-- Parts each line into what is due after the hold and what is held back longer, and gives each part its day by the plan's
-- terms. Parts are differences of rounded totals to date; a part that takes back is not due before what it takes back.
-- Grain: one row per line and part. Rule: docs/rules/payouts.md
with

lines as (
  select
    *,
    sum(line_amount) over (
      partition by commission_key
      order by event_date, event_order, line_key
      rows between unbounded preceding and current row
    ) as to_date_amount
  from {{ ref('int_ledger__lines') }}
),

payout_terms as (
  select * from {{ ref('int_parameters__payout_terms') }}
),

currencies as (
  select * from {{ ref('currencies') }}
),

termed as (
  select
    lines.*,
    payout_terms.hold_days,
    payout_terms.holdback_ratio,
    payout_terms.holdback_release_code,
    payout_terms.holdback_days,
    currencies.minor_unit,
    cast(lines.to_date_amount as decimal(38, 4)) * (1 - payout_terms.holdback_ratio) as payable_after_amount,
    cast(lines.to_date_amount - lines.line_amount as decimal(38, 4)) * (1 - payout_terms.holdback_ratio)
      as payable_before_amount
  from lines
  inner join payout_terms
    on
      lines.plan_id = payout_terms.plan_id
      and {{ in_force('lines.terms_date', 'payout_terms') }}
  inner join currencies on lines.currency_code = currencies.currency_code
),

divided as (
  select
    *,
    {{ add_days('event_date', 'hold_days') }} as held_date,
    case
      when holdback_ratio = 0 then line_amount
      else {{ round_money('payable_after_amount', 'minor_unit') }} - {{ round_money('payable_before_amount', 'minor_unit') }}
    end as now_amount
  from termed
),

parts as (
  select
    *,
    'now' as part_code,
    now_amount as part_amount,
    held_date as own_date
  from divided
  union all
  select
    *,
    'holdback' as part_code,
    line_amount - now_amount as part_amount,
    greatest(
      held_date,
      case holdback_release_code
        when 'days' then {{ add_days('event_date', 'coalesce(holdback_days, 0)') }}
        when 'quarter_end' then {{ last_day_of('event_date', 'quarter') }}
        when 'year_end' then {{ last_day_of('event_date', 'year') }}
        else held_date
      end
    ) as own_date
  from divided
  where holdback_ratio <> 0
),

dated as (
  select
    *,
    case
      when part_amount >= 0 then own_date
      else greatest(
        event_date,
        coalesce(max(case when part_amount >= 0 then own_date end) over (
          partition by commission_key, part_code
          order by event_date, event_order, line_key
          rows between unbounded preceding and current row
        ), event_date)
      )
    end as scheduled_date
  from parts
),

final as (
  select
    (case when part_code = 'now' then line_key else line_key || '|holdback' end)::varchar as part_key,
    line_key::varchar as line_key,
    part_code::varchar as part_code,
    plan_id::varchar as plan_id,
    payee_id::varchar as payee_id,
    transaction_id::varchar as transaction_id,
    deal_transaction_id::varchar as deal_transaction_id,
    event_date::date as event_date,
    scheduled_date::date as scheduled_date,
    currency_code::varchar as currency_code,
    part_amount::decimal(18, 4) as part_amount
  from dated
  where
    part_code = 'now'
    or part_amount <> 0
)

select * from final
