-- Compares what each payee is paid in a month with the average of the three months before, and says which payouts are
-- so far from it that a person should look before they are released. Months without a payout count as zero.
-- Grain: one row per payee, month and currency with a payout. Rule: docs/operating.md
with

payouts as (
  select
    payee_id,
    currency_code,
    period_code,
    period_from,
    sum(payout_amount) as payout_amount
  from {{ ref('fct_payouts') }}
  group by payee_id, currency_code, period_code, period_from
),

closings as (
  select distinct period_code from {{ ref('stg_books__closings') }}
),

limits as (
  select * from {{ ref('jump_limits') }}
),

first_payouts as (
  select
    payee_id,
    currency_code,
    min(period_from) as first_from
  from payouts
  group by payee_id, currency_code
),

compared as (
  select
    payouts.payee_id,
    payouts.currency_code,
    payouts.period_code,
    payouts.period_from,
    payouts.payout_amount,
    coalesce(sum(earlier.payout_amount), 0) as before_amount,
    least(date_diff('month', first_payouts.first_from, payouts.period_from), {{ var('jump_months') }}) as months_before
  from payouts
  inner join first_payouts
    on
      payouts.payee_id = first_payouts.payee_id
      and payouts.currency_code = first_payouts.currency_code
  left join payouts as earlier
    on
      payouts.payee_id = earlier.payee_id
      and payouts.currency_code = earlier.currency_code
      and earlier.period_from < payouts.period_from
      and date_diff('month', earlier.period_from, payouts.period_from) <= {{ var('jump_months') }}
  group by all
),

limited as (
  select
    compared.*,
    closings.period_code is not null as is_closed,
    limits.jump_ratio,
    limits.amount_min,
    compared.payout_amount * compared.months_before - compared.before_amount as times_months_amount
  from compared
  left join closings on compared.period_code = closings.period_code
  left join limits
    on
      compared.currency_code = limits.currency_code
      and {{ in_force('compared.period_from', 'limits') }}
),

final as (
  select
    (payee_id || '|' || period_code || '|' || currency_code)::varchar as payout_jump_key,
    payee_id::varchar as payee_id,
    period_code::varchar as period_code,
    period_from::date as period_from,
    currency_code::varchar as currency_code,
    payout_amount::decimal(18, 4) as payout_amount,
    months_before::integer as months_before,
    before_amount::decimal(18, 4) as before_amount,
    jump_ratio::decimal(18, 4) as jump_ratio,
    amount_min::decimal(18, 4) as amount_min,
    is_closed::boolean as is_closed,
    (
      case
        when jump_ratio is null then 'no_limit'
        when months_before = 0 then 'no_month_before'
        when
          abs(cast(times_months_amount as decimal(38, 4))) > cast(abs(before_amount) as decimal(28, 4)) * jump_ratio
          and abs(cast(times_months_amount as decimal(38, 4))) >= amount_min * months_before
          then 'jumped'
        else 'as_before'
      end
    )::varchar as jump_code
  from limited
)

select * from final
