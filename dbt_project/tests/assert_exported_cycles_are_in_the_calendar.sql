-- A file was exported of a pay cycle or pay group that the seeds no longer know, so that what it paid would be forgotten.
-- Fix: put the row of seeds/payroll/pay_cycles.csv or pay_groups.csv back.
select distinct
  exported_lines.pay_group_id,
  exported_lines.pay_cycle_code
from {{ ref('stg_books__exported_lines') }} as exported_lines
left join {{ ref('fct_payroll_balances') }} as balances
  on
    exported_lines.pay_group_id = balances.pay_group_id
    and exported_lines.pay_cycle_code = balances.pay_cycle_code
where
  exported_lines.line_kind_code in ('item', 'payment')
  and balances.balance_key is null
