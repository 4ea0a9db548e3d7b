-- Says how each ledger line is accounted for: as an expense when it is earned, or as a cost of a contract.
-- Grain: one row per ledger line. Rule: docs/rules/accounting.md
with

ledger_lines as (
  select * from {{ ref('fct_ledger_lines') }}
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
    ledger_lines.ledger_line_key::varchar as ledger_line_key,
    ledger_lines.posted_period_code::varchar as period_code,
    ledger_lines.plan_id::varchar as plan_id,
    ledger_lines.payee_id::varchar as payee_id,
    ledger_lines.transaction_id::varchar as transaction_id,
    ledger_lines.currency_code::varchar as currency_code,
    coalesce(entry_kinds.entry_kind_code, ledger_lines.event_code)::varchar as entry_kind_code,
    (case when contract_costs.contract_key is null then 'accrual' else 'capitalisation' end)::varchar as posting_code,
    contract_costs.contract_key::varchar as contract_key,
    ledger_lines.line_amount::decimal(18, 4) as line_amount
  from ledger_lines
  left join entry_kinds on ledger_lines.event_code = entry_kinds.event_code
  left join contract_costs
    on
      entry_kinds.is_contract_cost
      and ledger_lines.plan_id = contract_costs.plan_id
      and ledger_lines.transaction_id = contract_costs.transaction_id
      and ledger_lines.currency_code = contract_costs.currency_code
)

select * from final
