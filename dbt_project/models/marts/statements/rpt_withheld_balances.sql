-- Rolls the withheld balance forward month by month: what was withheld before, what bookings added, what was earned,
-- expired and revived, and what is withheld at the end, also in months without a movement.
-- Grain: one row per payee, plan, currency and month.
with

movements as (
  select
    *,
    {{ month_code('movement_date') }} as period_code
  from {{ ref('fct_withheld_movements') }}
),

months as (
  select
    window_code as period_code,
    window_to
  from {{ ref('int_parameters__windows') }}
  where calendar_id = 'month'
),

first_months as (
  select
    plan_id,
    payee_id,
    currency_code,
    min(period_code) as first_period_code
  from movements
  group by plan_id, payee_id, currency_code
),

moved as (
  select
    plan_id,
    payee_id,
    currency_code,
    period_code,
    sum(case when movement_code = 'estimated' then movement_amount else 0 end) as estimated_amount,
    -sum(case when movement_code = 'earned' then movement_amount else 0 end) as earned_amount,
    -sum(case when movement_code in ('expired', 'forfeited') then movement_amount else 0 end) as expired_amount,
    sum(case when movement_code = 'revived' then movement_amount else 0 end) as revived_amount,
    sum(movement_amount) as movement_amount
  from movements
  group by plan_id, payee_id, currency_code, period_code
),

rolled as (
  select
    first_months.plan_id,
    first_months.payee_id,
    first_months.currency_code,
    months.period_code,
    coalesce(moved.estimated_amount, 0) as estimated_amount,
    coalesce(moved.earned_amount, 0) as earned_amount,
    coalesce(moved.expired_amount, 0) as expired_amount,
    coalesce(moved.revived_amount, 0) as revived_amount,
    coalesce(moved.movement_amount, 0) as movement_amount,
    sum(coalesce(moved.movement_amount, 0)) over (
      partition by first_months.plan_id, first_months.payee_id, first_months.currency_code
      order by months.period_code
      rows between unbounded preceding and current row
    ) as closing_amount
  from first_months
  inner join months on first_months.first_period_code <= months.period_code
  left join moved
    on
      first_months.plan_id = moved.plan_id
      and first_months.payee_id = moved.payee_id
      and first_months.currency_code = moved.currency_code
      and months.period_code = moved.period_code
),

final as (
  select
    (plan_id || '|' || payee_id || '|' || currency_code || '|' || period_code)::varchar as balance_key,
    plan_id::varchar as plan_id,
    payee_id::varchar as payee_id,
    currency_code::varchar as currency_code,
    period_code::varchar as period_code,
    (closing_amount - movement_amount)::decimal(18, 4) as opening_amount,
    estimated_amount::decimal(18, 4) as estimated_amount,
    earned_amount::decimal(18, 4) as earned_amount,
    expired_amount::decimal(18, 4) as expired_amount,
    revived_amount::decimal(18, 4) as revived_amount,
    closing_amount::decimal(18, 4) as closing_amount
  from rolled
)

select * from final
