-- Lists what each entry of the journal is made of, payments apart: lines in the month that recognises them, and months of
-- contract costs that have ended.
-- Grain: one row per line and month that recognises it, or a contract cost, month and posting.
-- Rule: docs/rules/accounting.md
with

accounting_lines as (
  select * from {{ ref('fct_accounting_lines') }}
),

schedule as (
  select * from {{ ref('rpt_amortisation_schedule') }}
  where not is_forecast
),

united as (
  select
    'ledger_line' as source_kind_code,
    accounting_line_key as source_key,
    posting_code,
    period_code,
    plan_id,
    entry_kind_code,
    currency_code,
    line_amount as posted_amount
  from accounting_lines
  union all
  select
    'contract_month' as source_kind_code,
    schedule_key as source_key,
    'amortisation' as posting_code,
    period_code,
    plan_id,
    '' as entry_kind_code,
    currency_code,
    amortisation_amount as posted_amount
  from schedule
  where amortisation_amount <> 0
  union all
  select
    'contract_month' as source_kind_code,
    schedule_key as source_key,
    'impairment' as posting_code,
    period_code,
    plan_id,
    '' as entry_kind_code,
    currency_code,
    impairment_amount as posted_amount
  from schedule
  where impairment_amount <> 0
),

final as (
  select
    (posting_code || '|' || source_key)::varchar as journal_source_key,
    concat_ws('|', period_code, posting_code, plan_id, entry_kind_code, currency_code)::varchar as journal_entry_key,
    source_kind_code::varchar as source_kind_code,
    source_key::varchar as source_key,
    posting_code::varchar as posting_code,
    period_code::varchar as period_code,
    plan_id::varchar as plan_id,
    entry_kind_code::varchar as entry_kind_code,
    currency_code::varchar as currency_code,
    posted_amount::decimal(18, 4) as posted_amount
  from united
)

select * from final
