-- Says how each line is accounted for in the month that recognises it: as an expense when it is earned, or as a cost of a
-- contract.
-- Grain: one row per line and month that recognises something of it. Rule: docs/rules/accounting.md
with

earned_lines as (
  select * from {{ ref('int_ledger__earned_lines') }}
),

entry_kinds as (
  select * from {{ ref('entry_kinds') }}
),

contract_costs as (
  select * from {{ ref('fct_contract_costs') }}
  where treatment_code = 'capitalised'
),

final as (
  select
    earned_lines.earned_line_key::varchar as accounting_line_key,
    earned_lines.line_key::varchar as line_key,
    earned_lines.period_code::varchar as period_code,
    earned_lines.plan_id::varchar as plan_id,
    earned_lines.payee_id::varchar as payee_id,
    earned_lines.transaction_id::varchar as transaction_id,
    earned_lines.currency_code::varchar as currency_code,
    coalesce(entry_kinds.entry_kind_code, earned_lines.event_code)::varchar as entry_kind_code,
    (case when contract_costs.contract_key is null then 'accrual' else 'capitalisation' end)::varchar as posting_code,
    contract_costs.contract_key::varchar as contract_key,
    earned_lines.earned_amount::decimal(18, 4) as line_amount
  from earned_lines
  left join entry_kinds on earned_lines.event_code = entry_kinds.event_code
  left join contract_costs
    on
      entry_kinds.is_contract_cost
      and earned_lines.plan_id = contract_costs.plan_id
      and earned_lines.transaction_id = contract_costs.transaction_id
      and earned_lines.currency_code = contract_costs.currency_code
)

select * from final
