-- Settles draws and guarantees month by month: what a month that is still open advances and recovers, on what it posts for
-- the payee, from the balance that closed months left.
-- Grain: one row a draw, payee and open month that has ended. Rule: docs/rules/payouts.md
with recursive

draws as (
  select
    draws.*,
    currencies.minor_unit
  from {{ ref('draws') }} as draws
  inner join {{ ref('currencies') }} as currencies on draws.currency_code = currencies.currency_code
),

open_lines as (
  select * from {{ ref('int_ledger__open_lines') }}
),

closings as (
  select
    {{ first_of_month('max(period_code)') }} as last_closed_month
  from {{ ref('stg_books__closings') }}
),

posted_draws as (
  select
    split_part(line_key, '|', 2) as draw_id,
    payee_id,
    sum(line_amount) as balance_amount
  from {{ ref('stg_books__lines') }}
  where
    entry_code = 'draw'
    and event_code <> 'guarantee'
  group by 1, payee_id
),

drawing as (
  select
    draw_id,
    payee_id,
    cast(date_trunc('month', greatest(
      min(draws.valid_from),
      coalesce(cast({{ dbt.dateadd('month', 1, 'max(closings.last_closed_month)') }} as date), min(draws.valid_from))
    )) as date) as first_month
  from draws
  cross join closings
  group by draw_id, payee_id
),

months as (
  select
    draw_id,
    payee_id,
    first_month as month_start,
    0 as month_number
  from drawing
  where {{ dbt.last_day('first_month', 'month') }} <= {{ as_of_date() }}
  union all
  select
    draw_id,
    payee_id,
    cast({{ dbt.dateadd('month', 1, 'month_start') }} as date) as month_start,
    month_number + 1 as month_number
  from months
  where {{ dbt.last_day(dbt.dateadd('month', 1, 'month_start'), 'month') }} <= {{ as_of_date() }}
),

termed as (
  select
    months.*,
    draws.* exclude (draw_id, payee_id),
    draws.valid_to is null or months.month_start < draws.valid_to as is_in_span,
    row_number() over (
      partition by months.draw_id, months.payee_id, months.month_start
      order by draws.valid_from desc
    ) as recency
  from months
  inner join draws
    on
      months.draw_id = draws.draw_id
      and months.payee_id = draws.payee_id
      and months.month_start >= draws.valid_from
),

earned as (
  select
    termed.draw_id,
    termed.payee_id,
    termed.month_start,
    sum(open_lines.line_amount) as earned_amount
  from termed
  inner join open_lines
    on
      termed.payee_id = open_lines.payee_id
      and termed.currency_code = open_lines.currency_code
      and {{ month_code('termed.month_start') }} = open_lines.posted_period_code
      and (termed.covers_code = 'payee' or termed.plan_id = open_lines.plan_id)
  where termed.recency = 1
  group by termed.draw_id, termed.payee_id, termed.month_start
),

monthly as (
  select
    termed.draw_id,
    termed.payee_id,
    termed.plan_id,
    termed.month_start,
    termed.month_number,
    termed.draw_kind_code,
    termed.currency_code,
    termed.minor_unit,
    termed.is_in_span,
    termed.balance_max_amount,
    termed.recovery_ratio,
    termed.recovery_amount_max,
    case when termed.is_in_span then termed.amount else 0 end::decimal(18, 4) as draw_amount,
    coalesce(earned.earned_amount, 0)::decimal(18, 4) as earned_amount
  from termed
  left join earned
    on
      termed.draw_id = earned.draw_id
      and termed.payee_id = earned.payee_id
      and termed.month_start = earned.month_start
  where termed.recency = 1
),

above as (
  select
    *,
    {{ round_money(
      'cast(cast(greatest(earned_amount - draw_amount, 0) as decimal(18, 4)) * recovery_ratio as decimal(38, 14))', 'minor_unit'
    ) }} as recoverable_amount
  from monthly
),

first_months as (
  select
    draw_id,
    payee_id,
    min(month_number) as month_number
  from above
  group by draw_id, payee_id
),

settled as (
  select
    first_months.draw_id,
    first_months.payee_id,
    first_months.month_number - 1 as month_number,
    cast(null as date) as month_start,
    cast(0 as decimal(18, 4)) as balance_before_amount,
    cast(0 as decimal(18, 4)) as advance_amount,
    cast(0 as decimal(18, 4)) as recovery_amount,
    cast(coalesce(posted_draws.balance_amount, 0) as decimal(18, 4)) as balance_after_amount
  from first_months
  left join posted_draws
    on
      first_months.draw_id = posted_draws.draw_id
      and first_months.payee_id = posted_draws.payee_id
  union all
  select
    draw_id,
    payee_id,
    month_number,
    month_start,
    balance_before_amount,
    advance_amount,
    recovery_amount,
    cast(
      balance_before_amount
      + case when draw_kind_code = 'recoverable' then advance_amount else 0 end
      - recovery_amount as decimal(18, 4)
    ) as balance_after_amount
  from (
    select
      above.*,
      settled.balance_after_amount as balance_before_amount,
      cast(case
        when above.draw_kind_code = 'recoverable' and above.is_in_span
          then least(
            greatest(above.draw_amount - above.earned_amount, 0),
            greatest(coalesce(above.balance_max_amount - settled.balance_after_amount, above.draw_amount - above.earned_amount), 0)
          )
        when above.is_in_span then greatest(above.draw_amount - above.earned_amount, 0)
        else 0
      end as decimal(18, 4)) as advance_amount,
      cast(case
        when above.draw_kind_code = 'recoverable'
          then greatest(least(
            settled.balance_after_amount,
            above.recoverable_amount,
            coalesce(above.recovery_amount_max, above.recoverable_amount)
          ), 0)
        else 0
      end as decimal(18, 4)) as recovery_amount
    from settled
    inner join above
      on
        settled.draw_id = above.draw_id
        and settled.payee_id = above.payee_id
        and settled.month_number + 1 = above.month_number
  )
),

final as (
  select
    (settled.draw_id || '|' || settled.payee_id || '|' || {{ month_code('settled.month_start') }})::varchar as draw_month_key,
    settled.draw_id::varchar as draw_id,
    settled.payee_id::varchar as payee_id,
    above.plan_id::varchar as plan_id,
    ({{ month_code('settled.month_start') }})::varchar as period_code,
    cast({{ dbt.last_day('settled.month_start', 'month') }} as date)::date as settled_date,
    above.draw_kind_code::varchar as draw_kind_code,
    above.currency_code::varchar as currency_code,
    above.draw_amount::decimal(18, 4) as draw_amount,
    above.earned_amount::decimal(18, 4) as earned_amount,
    settled.balance_before_amount::decimal(18, 4) as balance_before_amount,
    settled.advance_amount::decimal(18, 4) as advance_amount,
    settled.recovery_amount::decimal(18, 4) as recovery_amount,
    settled.balance_after_amount::decimal(18, 4) as balance_after_amount
  from settled
  inner join above
    on
      settled.draw_id = above.draw_id
      and settled.payee_id = above.payee_id
      and settled.month_number = above.month_number
)

select * from final
