-- Breaks what a pay cycle pays a payee down by earnings code. What is negative, and what is carried in, is taken off
-- the codes in their order; a net that is deducted is one line of the group's deduction code.
-- Grain: one row per payee, currency, pay group, pay cycle and code. Rule: docs/rules/payroll.md
with

balances as (
  select * from {{ ref('fct_payroll_balances') }}
),

items as (
  select * from {{ ref('fct_payroll_items') }}
  where pay_cycle_code is not null
),

exported_lines as (
  select * from {{ ref('stg_books__exported_lines') }}
  where line_kind_code = 'payment'
),

pay_groups as (
  select * from {{ ref('pay_groups') }}
),

payroll_layouts as (
  select * from {{ ref('payroll_layouts') }}
),

layout_codes as (
  select distinct
    layout_id,
    value_text as earnings_code
  from {{ ref('payroll_layout_columns') }}
  where value_code = 'amount_of_code'
),

united as (
  select
    concat_ws('|', payee_id, currency_code, pay_group_id, pay_cycle_code) as balance_key,
    coalesce(earnings_code, '') as earnings_code,
    false as is_deduction,
    counted_amount,
    0 as exported_amount
  from items
  union all
  select
    concat_ws('|', payee_id, currency_code, pay_group_id, pay_cycle_code) as balance_key,
    coalesce(earnings_code, '') as earnings_code,
    false as is_deduction,
    0 as counted_amount,
    line_amount as exported_amount
  from exported_lines
  union all
  select
    balances.balance_key,
    coalesce(pay_groups.deduction_code, '') as earnings_code,
    true as is_deduction,
    0 as counted_amount,
    0 as exported_amount
  from balances
  inner join pay_groups
    on
      balances.pay_group_id = pay_groups.pay_group_id
      and {{ in_force('balances.pay_date', 'pay_groups') }}
  where balances.new_amount < 0
),

by_code as (
  select
    balances.*,
    united.earnings_code,
    pay_groups.layout_id,
    coalesce(united.is_deduction or united.earnings_code = pay_groups.deduction_code, false) as is_deduction,
    sum(united.counted_amount) as counted_amount,
    sum(united.exported_amount) as code_exported_amount,
    sum(united.counted_amount - united.exported_amount) as open_amount
  from united
  inner join balances on united.balance_key = balances.balance_key
  inner join pay_groups
    on
      balances.pay_group_id = pay_groups.pay_group_id
      and {{ in_force('balances.pay_date', 'pay_groups') }}
  group by all
),

taken as (
  select
    *,
    coalesce(sum(greatest(open_amount, 0)) over (
      partition by balance_key
      order by is_deduction, earnings_code
      rows between unbounded preceding and 1 preceding
    ), 0) as before_amount,
    carried_in_amount + sum(least(open_amount, 0)) over (partition by balance_key) as taken_amount
  from by_code
),

paid as (
  select
    *,
    case
      when new_amount < 0 then case when is_deduction then new_amount else 0 end
      else
        greatest(before_amount + greatest(open_amount, 0) + taken_amount, 0)
        - greatest(before_amount + taken_amount, 0)
    end as line_amount
  from taken
),

final as (
  select
    concat_ws('|', paid.balance_key, paid.earnings_code, case when paid.is_deduction then 'deduction' end)
    ::varchar as payroll_line_key,
    paid.balance_key::varchar as balance_key,
    paid.payee_id::varchar as payee_id,
    paid.currency_code::varchar as currency_code,
    paid.pay_group_id::varchar as pay_group_id,
    paid.pay_cycle_code::varchar as pay_cycle_code,
    paid.pay_date::date as pay_date,
    paid.layout_id::varchar as layout_id,
    paid.earnings_code::varchar as earnings_code,
    paid.is_deduction::boolean as is_deduction,
    (
      case
        when paid.line_amount = 0 then null
        when payroll_layouts.currency_code <> paid.currency_code then 'other_currency'
        when paid.is_deduction and paid.earnings_code = '' then 'no_deduction_code'
        when paid.is_deduction and not payroll_layouts.is_deduction_taken then 'deduction_not_taken'
        when paid.earnings_code = '' then 'no_earnings_code'
        when payroll_layouts.rows_code = 'payee' and layout_codes.earnings_code is null then 'code_not_in_layout'
      end
    )::varchar as reason_code,
    paid.counted_amount::decimal(18, 4) as counted_amount,
    paid.code_exported_amount::decimal(18, 4) as exported_amount,
    paid.line_amount::decimal(18, 4) as new_amount
  from paid
  inner join payroll_layouts on paid.layout_id = payroll_layouts.layout_id
  left join layout_codes
    on
      paid.layout_id = layout_codes.layout_id
      and paid.earnings_code = layout_codes.earnings_code
)

select * from final
