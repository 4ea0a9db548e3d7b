-- Shows on how many payees and deals a plan's month rests: each payee's share of what is paid out, in the order of size, the
-- share of the largest, the Herfindahl index, and the deals behind most of it. Negative payouts have no share.
-- Grain: one row per plan, month, currency and payee. Rule: docs/administration.md
with

payouts as (
  select
    *,
    greatest(payout_amount, 0) as paid_amount
  from {{ ref('fct_payouts') }}
),

ledger_lines as (
  select * from {{ ref('fct_ledger_lines') }}
  where transaction_id is not null
),

ranked as (
  select
    *,
    row_number() over in_order as payee_rank,
    sum(paid_amount) over in_order as cumulative_amount,
    sum(paid_amount) over (partition by plan_id, period_code, currency_code) as total_amount
  from payouts
  window in_order as (
    partition by plan_id, period_code, currency_code
    order by payout_amount desc, payee_id asc rows between unbounded preceding and current row
  )
),

cumulated as (
  select
    *,
    {{ ratio('cumulative_amount', 'total_amount', 4, 4) }} as cumulative_ratio
  from ranked
),

-- Differences of the running share, so that the shares add up to 1.
shared as (
  select
    *,
    cast(
      cumulative_ratio
      - coalesce(
        lag(cumulative_ratio) over (partition by plan_id, period_code, currency_code order by payee_rank),
        0
      ) as decimal(12, 10)
    ) as share_ratio
  from cumulated
),

measured as (
  select
    plan_id,
    period_code,
    currency_code,
    count(*) filter (where paid_amount > 0) as payee_count,
    max(cumulative_ratio) filter (where payee_rank = 1) as largest_payee_ratio,
    max(cumulative_ratio) filter (where payee_rank <= {{ var('concentration_payees') }}) as largest_payees_ratio,
    sum(share_ratio * share_ratio) as herfindahl_ratio
  from shared
  group by plan_id, period_code, currency_code
),

deals as (
  select
    plan_id,
    posted_period_code as period_code,
    currency_code,
    transaction_id,
    greatest(sum(line_amount), 0) as paid_amount
  from ledger_lines
  group by plan_id, posted_period_code, currency_code, transaction_id
),

ranked_deals as (
  select
    *,
    sum(paid_amount) over (partition by plan_id, period_code, currency_code) as total_amount,
    sum(paid_amount) over (
      partition by plan_id, period_code, currency_code
      order by paid_amount desc, transaction_id asc rows between unbounded preceding and current row
    ) - paid_amount as before_amount
  from deals
),

counted_deals as (
  select
    plan_id,
    period_code,
    currency_code,
    count(*) filter (where paid_amount > 0) as deal_count,
    count(*) filter (
      where paid_amount > 0 and before_amount < total_amount * {{ var('concentration_ratio') }}
    ) as main_deal_count
  from ranked_deals
  group by plan_id, period_code, currency_code
),

final as (
  select
    shared.payout_key::varchar as payout_key,
    shared.plan_id::varchar as plan_id,
    shared.period_code::varchar as period_code,
    shared.currency_code::varchar as currency_code,
    shared.payee_id::varchar as payee_id,
    shared.payee_rank::integer as payee_rank,
    shared.payout_amount::decimal(18, 4) as payout_amount,
    shared.total_amount::decimal(18, 4) as total_amount,
    shared.share_ratio::decimal(28, 10) as share_ratio,
    shared.cumulative_ratio::decimal(28, 10) as cumulative_ratio,
    measured.payee_count::bigint as payee_count,
    measured.largest_payee_ratio::decimal(28, 10) as largest_payee_ratio,
    measured.largest_payees_ratio::decimal(28, 10) as largest_payees_ratio,
    measured.herfindahl_ratio::decimal(28, 10) as herfindahl_ratio,
    coalesce(counted_deals.deal_count, 0)::bigint as deal_count,
    coalesce(counted_deals.main_deal_count, 0)::bigint as main_deal_count
  from shared
  inner join measured
    on
      shared.plan_id = measured.plan_id
      and shared.period_code = measured.period_code
      and shared.currency_code = measured.currency_code
  left join counted_deals
    on
      shared.plan_id = counted_deals.plan_id
      and shared.period_code = counted_deals.period_code
      and shared.currency_code = counted_deals.currency_code
)

select * from final
