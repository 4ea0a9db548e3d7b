-- Puts what a deal brings a payee next to the plan's month that it belongs to: what its booking established, and how
-- much of it waits, has expired or is held, in the month of the booking; what the ledger posts, in the month that
-- posts.
-- Grain: one row per deal, payee, plan, currency and month. Rule: docs/rules/crm.md
with

transactions as (
  select * from {{ ref('int_pool__transactions') }}
),

ledger_lines as (
  select
    coalesce(transactions.deal_transaction_id, split_part(ledger_lines.transaction_id, '@', 1)) as transaction_id,
    ledger_lines.payee_id,
    ledger_lines.plan_id,
    ledger_lines.currency_code,
    ledger_lines.posted_period_code as period_code,
    ledger_lines.line_amount
  from {{ ref('fct_ledger_lines') }} as ledger_lines
  -- A payment that the billing system has lost is no transaction any more; what it posted stays.
  left join transactions on ledger_lines.transaction_id = transactions.transaction_id
  where ledger_lines.transaction_id is not null
),

commissions as (
  select
    commissions.*,
    transactions.deal_transaction_id
  from {{ ref('int_rewards__commissions') }} as commissions
  inner join transactions on commissions.transaction_id = transactions.transaction_id
),

bookings as (
  select
    deal_transaction_id,
    payee_id,
    plan_id,
    currency_code,
    min({{ month_code('reward_date') }}) as booked_period_code
  from commissions
  group by deal_transaction_id, payee_id, plan_id, currency_code
),

withheld_deals as (
  select * from {{ ref('rpt_withheld_deals') }}
),

held_lines as (
  select
    held_lines.*,
    transactions.deal_transaction_id
  from {{ ref('rpt_held_lines') }} as held_lines
  inner join transactions on held_lines.transaction_id = transactions.transaction_id
),

standing as (
  select
    deal_transaction_id,
    payee_id,
    plan_id,
    currency_code,
    commission_amount as established_amount,
    0 as withheld_amount,
    0 as expired_amount,
    0 as held_amount
  from commissions
  union all
  select
    transaction_id as deal_transaction_id,
    payee_id,
    plan_id,
    currency_code,
    0 as established_amount,
    withheld_amount,
    expired_amount,
    0 as held_amount
  from withheld_deals
  union all
  select
    deal_transaction_id,
    payee_id,
    plan_id,
    currency_code,
    0 as established_amount,
    0 as withheld_amount,
    0 as expired_amount,
    held_amount
  from held_lines
),

united as (
  select
    standing.deal_transaction_id as transaction_id,
    standing.payee_id,
    standing.plan_id,
    standing.currency_code,
    bookings.booked_period_code as period_code,
    standing.established_amount,
    0 as ledger_amount,
    standing.withheld_amount,
    standing.expired_amount,
    standing.held_amount,
    0 as line_count
  from standing
  inner join bookings
    on
      standing.deal_transaction_id = bookings.deal_transaction_id
      and standing.payee_id = bookings.payee_id
      and standing.plan_id = bookings.plan_id
      and standing.currency_code = bookings.currency_code
  union all
  select
    transaction_id,
    payee_id,
    plan_id,
    currency_code,
    period_code,
    0 as established_amount,
    line_amount as ledger_amount,
    0 as withheld_amount,
    0 as expired_amount,
    0 as held_amount,
    1 as line_count
  from ledger_lines
),

added_up as (
  select
    transaction_id,
    payee_id,
    plan_id,
    currency_code,
    period_code,
    sum(established_amount) as established_amount,
    sum(ledger_amount) as ledger_amount,
    sum(withheld_amount) as withheld_amount,
    sum(expired_amount) as expired_amount,
    sum(held_amount) as held_amount,
    sum(line_count) as line_count
  from united
  group by transaction_id, payee_id, plan_id, currency_code, period_code
),

calculations as (
  select * from {{ ref('fct_calculations') }}
),

calculation_states as (
  select * from {{ ref('calculation_states') }}
),

final as (
  select
    (
      added_up.transaction_id || '|' || added_up.payee_id || '|' || added_up.plan_id || '|' || added_up.currency_code
      || '|' || added_up.period_code
    )::varchar as crm_line_key,
    added_up.transaction_id::varchar as transaction_id,
    added_up.payee_id::varchar as payee_id,
    added_up.plan_id::varchar as plan_id,
    added_up.currency_code::varchar as currency_code,
    added_up.period_code::varchar as period_code,
    added_up.established_amount::decimal(18, 4) as established_amount,
    added_up.ledger_amount::decimal(18, 4) as ledger_amount,
    added_up.withheld_amount::decimal(18, 4) as withheld_amount,
    added_up.expired_amount::decimal(18, 4) as expired_amount,
    added_up.held_amount::decimal(18, 4) as held_amount,
    added_up.line_count::bigint as line_count,
    calculation_states.state_code::varchar as state_code,
    calculation_states.state_rank::integer as state_rank,
    coalesce(calculations.is_stale, false)::boolean as is_stale
  from added_up
  left join calculations
    on
      added_up.plan_id = calculations.plan_id
      and added_up.period_code = calculations.period_code
  -- A month in which the plan posts nothing has no calculation, and so was never released.
  inner join calculation_states on coalesce(calculations.state_code, 'draft') = calculation_states.state_code
)

select * from final
