-- What was capitalised of a contract is what the ledger posted for it; each month's opening, additions and expense make its
-- closing, which the next month opens with; and at the end nothing is left, so that amortised + impaired = capitalised.
with

ledger as (
  select
    accounting_lines.contract_key,
    sum(ledger_lines.line_amount) as ledger_amount
  from {{ ref('fct_accounting_lines') }} as accounting_lines
  inner join {{ ref('fct_ledger_lines') }} as ledger_lines
    on accounting_lines.ledger_line_key = ledger_lines.ledger_line_key
  where accounting_lines.posting_code = 'capitalisation'
  group by accounting_lines.contract_key
),

schedule as (
  select
    *,
    coalesce(lag(closing_amount) over (
      partition by contract_key
      order by period_code
    ), 0) as closing_before_amount
  from {{ ref('rpt_amortisation_schedule') }}
),

totals as (
  select
    contract_key,
    sum(addition_amount) as capitalised_amount,
    sum(amortisation_amount + impairment_amount) as expensed_amount,
    max_by(closing_amount, period_code) as remaining_amount
  from schedule
  group by contract_key
)

select coalesce(ledger.contract_key, totals.contract_key) as contract_key
from ledger
full outer join totals on ledger.contract_key = totals.contract_key
where
  totals.contract_key is null
  or coalesce(ledger.ledger_amount, 0) <> totals.capitalised_amount
  or totals.capitalised_amount <> totals.expensed_amount + totals.remaining_amount
  or totals.remaining_amount <> 0
union all
select contract_key
from schedule
where
  opening_amount <> closing_before_amount
  or opening_amount + addition_amount - amortisation_amount - impairment_amount <> closing_amount
