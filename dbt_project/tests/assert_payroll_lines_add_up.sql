-- The lines of a payee's pay cycle add up to what the cycle pays, and none is negative unless it is a deduction.
with

balances as (
  select * from {{ ref('fct_payroll_balances') }}
),

payroll_lines as (
  select
    balance_key,
    sum(new_amount) as new_amount,
    min(case when is_deduction then 0 else new_amount end) as least_amount
  from {{ ref('fct_payroll_lines') }}
  group by balance_key
)

select balances.balance_key
from balances
left join payroll_lines on balances.balance_key = payroll_lines.balance_key
where
  balances.new_amount <> coalesce(payroll_lines.new_amount, 0)
  or payroll_lines.least_amount < 0
