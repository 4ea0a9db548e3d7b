-- Settles draws and guarantees month by month: what an open month advances and recovers, from the balance that the month
-- before it, or the closed months, left.
-- Grain: one row per draw, payee and open month that has ended. Rule: docs/rules/payouts.md
with recursive

posted_draws as (
  select
    split_part(line_key, '|', 2) as draw_id,
    payee_id,
    sum(line_amount) as balance_amount
  from {{ ref('stg_books__lines') }}
  where
    entry_code = 'draw'
    and event_code <> 'guarantee'
  group by draw_id, payee_id
),

terms as (
  select
    *,
    draw_amount - earned_amount as missing_amount,
    {{ round_money(
      'cast(greatest(earned_amount - draw_amount, 0) as decimal(38, 4)) * recovery_ratio',
      'minor_unit'
    ) }} as recoverable_amount
  from {{ ref('int_ledger__draw_terms') }}
),

limited as (
  select
    *,
    case when is_in_span then greatest(missing_amount, 0) else 0 end as advance_wanted_amount,
    case
      when draw_kind_code = 'recoverable' then least(recoverable_amount, coalesce(recovery_amount_max, recoverable_amount))
      else 0
    end as recovery_wanted_amount
  from terms
),

settled as (
  select
    limited.draw_month_key,
    limited.draw_id,
    limited.payee_id,
    limited.month_number - 1 as month_number,
    cast(0 as decimal(18, 4)) as balance_before_amount,
    cast(0 as decimal(18, 4)) as advance_amount,
    cast(0 as decimal(18, 4)) as recovery_amount,
    cast(coalesce(posted_draws.balance_amount, 0) as decimal(18, 4)) as balance_after_amount
  from limited
  left join posted_draws
    on
      limited.draw_id = posted_draws.draw_id
      and limited.payee_id = posted_draws.payee_id
  where limited.month_number = 1
  union all
  select
    advanced.draw_month_key,
    advanced.draw_id,
    advanced.payee_id,
    advanced.month_number,
    advanced.balance_before_amount,
    advanced.advance_amount,
    advanced.recovery_amount,
    cast(
      advanced.balance_before_amount
      + case when advanced.draw_kind_code = 'recoverable' then advanced.advance_amount else 0 end
      - advanced.recovery_amount as decimal(18, 4)
    ) as balance_after_amount
  from (
    select
      limited.draw_month_key,
      limited.draw_id,
      limited.payee_id,
      limited.month_number,
      limited.draw_kind_code,
      settled.balance_after_amount as balance_before_amount,
      cast(case
        when limited.draw_kind_code = 'recoverable' and limited.balance_max_amount is not null
          then least(
            limited.advance_wanted_amount, greatest(limited.balance_max_amount - settled.balance_after_amount, 0)
          )
        else limited.advance_wanted_amount
      end as decimal(18, 4)) as advance_amount,
      cast(greatest(least(settled.balance_after_amount, limited.recovery_wanted_amount), 0) as decimal(18, 4))
        as recovery_amount
    from settled
    inner join limited
      on
        settled.draw_id = limited.draw_id
        and settled.payee_id = limited.payee_id
        and settled.month_number + 1 = limited.month_number
  ) as advanced
),

final as (
  select
    terms.draw_month_key::varchar as draw_month_key,
    terms.draw_id::varchar as draw_id,
    terms.payee_id::varchar as payee_id,
    terms.plan_id::varchar as plan_id,
    terms.period_code::varchar as period_code,
    terms.settled_date::date as settled_date,
    terms.draw_kind_code::varchar as draw_kind_code,
    terms.currency_code::varchar as currency_code,
    terms.draw_amount::decimal(18, 4) as draw_amount,
    terms.earned_amount::decimal(18, 4) as earned_amount,
    settled.balance_before_amount::decimal(18, 4) as balance_before_amount,
    settled.advance_amount::decimal(18, 4) as advance_amount,
    settled.recovery_amount::decimal(18, 4) as recovery_amount,
    settled.balance_after_amount::decimal(18, 4) as balance_after_amount
  from settled
  inner join terms
    on
      settled.draw_month_key = terms.draw_month_key
      and settled.month_number = terms.month_number
)

select * from final
