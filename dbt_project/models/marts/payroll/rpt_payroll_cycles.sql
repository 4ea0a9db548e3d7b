-- Shows how far each pay cycle is: what waits for an approval, what counts, what files have paid, what is new to pay,
-- carried on and withheld.
-- Grain: one row per pay group, pay cycle and currency. Rule: docs/rules/payroll.md
with

balances as (
  select * from {{ ref('fct_payroll_balances') }}
),

pay_cycles as (
  select * from {{ ref('pay_cycles') }}
),

waiting_plans as (
  select
    pay_group_id,
    pay_cycle_code,
    currency_code,
    plan_id || ' ' || period_code || ' is ' || state_code as plan_text,
    sum(waiting_amount) as waiting_amount
  from {{ ref('fct_payroll_items') }}
  where reason_code = 'not_approved'
  group by pay_group_id, pay_cycle_code, currency_code, plan_text
),

waiting as (
  select
    pay_group_id,
    pay_cycle_code,
    currency_code,
    sum(waiting_amount) as waiting_amount,
    string_agg(plan_text, '; ' order by plan_text) as waiting_text
  from waiting_plans
  group by pay_group_id, pay_cycle_code, currency_code
),

exports as (
  select
    pay_group_id,
    export_period_code as pay_cycle_code,
    currency_code,
    count(*) as file_count
  from {{ ref('stg_books__exports') }}
  where export_code = 'payroll'
  group by pay_group_id, export_period_code, currency_code
),

totals as (
  select
    pay_group_id,
    pay_cycle_code,
    currency_code,
    count(*) filter (where new_amount <> 0) as payee_count,
    sum(carried_in_amount) as carried_in_amount,
    sum(net_amount) as net_amount,
    sum(exported_amount) as exported_amount,
    sum(new_amount) as new_amount,
    sum(carried_out_amount) as carried_out_amount,
    sum(withheld_amount) as withheld_amount
  from balances
  group by pay_group_id, pay_cycle_code, currency_code
),

final as (
  select
    concat_ws('|', totals.pay_group_id, totals.pay_cycle_code, totals.currency_code)::varchar as cycle_key,
    totals.pay_group_id::varchar as pay_group_id,
    totals.pay_cycle_code::varchar as pay_cycle_code,
    totals.currency_code::varchar as currency_code,
    pay_cycles.pay_date::date as pay_date,
    coalesce(exports.file_count, 0)::bigint as file_count,
    totals.payee_count::bigint as payee_count,
    waiting.waiting_text::varchar as waiting_text,
    coalesce(waiting.waiting_amount, 0)::decimal(18, 4) as waiting_amount,
    totals.carried_in_amount::decimal(18, 4) as carried_in_amount,
    totals.net_amount::decimal(18, 4) as net_amount,
    totals.exported_amount::decimal(18, 4) as exported_amount,
    totals.new_amount::decimal(18, 4) as new_amount,
    totals.carried_out_amount::decimal(18, 4) as carried_out_amount,
    totals.withheld_amount::decimal(18, 4) as withheld_amount
  from totals
  inner join pay_cycles
    on
      totals.pay_group_id = pay_cycles.pay_group_id
      and totals.pay_cycle_code = pay_cycles.pay_cycle_code
  left join waiting
    on
      totals.pay_group_id = waiting.pay_group_id
      and totals.pay_cycle_code = waiting.pay_cycle_code
      and totals.currency_code = waiting.currency_code
  left join exports
    on
      totals.pay_group_id = exports.pay_group_id
      and totals.pay_cycle_code = exports.pay_cycle_code
      and totals.currency_code = exports.currency_code
)

select * from final
