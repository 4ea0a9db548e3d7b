-- Holds payroll, payouts and ledger against each other: what the ledger posts is what the payouts show; it is in no cycle,
-- waits for an approval, or counts; and what counts was paid, is new to pay, is carried on or withheld.
-- Grain: one row per payee, currency, pay group and pay cycle (empty for what no cycle pays). Rule: docs/rules/payroll.md
with

items as (
  select
    *,
    coalesce(pay_group_id, '') as group_code,
    coalesce(pay_cycle_code, '') as cycle_code
  from {{ ref('fct_payroll_items') }}
),

balances as (
  select * from {{ ref('fct_payroll_balances') }}
),

payouts as (
  select * from {{ ref('fct_payouts') }}
),

by_month as (
  select
    payee_id,
    plan_id,
    period_code,
    currency_code,
    group_code,
    cycle_code,
    sum(ledger_amount) as ledger_amount,
    sum(counted_amount) as counted_amount,
    sum(waiting_amount) as waiting_amount,
    row_number() over (
      partition by payee_id, plan_id, period_code, currency_code
      order by group_code, cycle_code
    ) as part_number,
    sum(sum(ledger_amount)) over (partition by payee_id, plan_id, period_code, currency_code) as month_amount
  from items
  group by payee_id, plan_id, period_code, currency_code, group_code, cycle_code
),

compared as (
  select
    coalesce(by_month.payee_id, payouts.payee_id) as payee_id,
    coalesce(by_month.currency_code, payouts.currency_code) as currency_code,
    coalesce(by_month.group_code, '') as group_code,
    coalesce(by_month.cycle_code, '') as cycle_code,
    coalesce(by_month.ledger_amount, 0) as ledger_amount,
    -- A month that several cycles pay is compared once, with its first part.
    case
      when by_month.part_number > 1 then by_month.ledger_amount
      else
        coalesce(payouts.payout_amount, 0) - coalesce(by_month.month_amount, 0) + coalesce(by_month.ledger_amount, 0)
    end as payout_amount,
    coalesce(by_month.counted_amount, 0) as counted_amount,
    coalesce(by_month.waiting_amount, 0) as waiting_amount
  from by_month
  full outer join payouts
    on
      by_month.payee_id = payouts.payee_id
      and by_month.plan_id = payouts.plan_id
      and by_month.period_code = payouts.period_code
      and by_month.currency_code = payouts.currency_code
      and by_month.part_number = 1
),

totals as (
  select
    payee_id,
    currency_code,
    group_code,
    cycle_code,
    sum(ledger_amount) as ledger_amount,
    sum(payout_amount) as payout_amount,
    sum(waiting_amount) as waiting_amount,
    sum(counted_amount) as counted_amount
  from compared
  group by payee_id, currency_code, group_code, cycle_code
),

joined as (
  select
    coalesce(totals.payee_id, balances.payee_id) as payee_id,
    coalesce(totals.currency_code, balances.currency_code) as currency_code,
    coalesce(totals.group_code, balances.pay_group_id) as pay_group_id,
    coalesce(totals.cycle_code, balances.pay_cycle_code) as pay_cycle_code,
    coalesce(totals.ledger_amount, 0) as ledger_amount,
    coalesce(totals.payout_amount, 0) as payout_amount,
    coalesce(totals.waiting_amount, 0) as waiting_amount,
    coalesce(totals.counted_amount, 0) as counted_amount,
    coalesce(balances.carried_in_amount, 0) as carried_in_amount,
    coalesce(balances.exported_amount, 0) as exported_amount,
    coalesce(balances.new_amount, 0) as new_amount,
    coalesce(balances.carried_out_amount, 0) as carried_out_amount,
    coalesce(balances.withheld_amount, 0) as withheld_amount
  from totals
  full outer join balances
    on
      totals.payee_id = balances.payee_id
      and totals.currency_code = balances.currency_code
      and totals.group_code = balances.pay_group_id
      and totals.cycle_code = balances.pay_cycle_code
),

final as (
  select
    concat_ws('|', payee_id, currency_code, pay_group_id, pay_cycle_code)::varchar as reconciliation_key,
    payee_id::varchar as payee_id,
    currency_code::varchar as currency_code,
    pay_group_id::varchar as pay_group_id,
    pay_cycle_code::varchar as pay_cycle_code,
    ledger_amount::decimal(18, 4) as ledger_amount,
    payout_amount::decimal(18, 4) as payout_amount,
    waiting_amount::decimal(18, 4) as waiting_amount,
    counted_amount::decimal(18, 4) as counted_amount,
    carried_in_amount::decimal(18, 4) as carried_in_amount,
    exported_amount::decimal(18, 4) as exported_amount,
    new_amount::decimal(18, 4) as new_amount,
    carried_out_amount::decimal(18, 4) as carried_out_amount,
    withheld_amount::decimal(18, 4) as withheld_amount,
    (ledger_amount - payout_amount)::decimal(18, 4) as payout_difference_amount,
    (ledger_amount - waiting_amount - counted_amount)::decimal(18, 4) as ledger_difference_amount,
    (
      carried_in_amount + counted_amount - exported_amount - new_amount - carried_out_amount - withheld_amount
    )::decimal(18, 4) as payroll_difference_amount
  from joined
)

select * from final
