-- What was capitalised of a contract is what the ledger posted for it and what is held of it; each month's opening,
-- additions and expense make its closing, which the next month opens with; and at the end nothing is left, so that
-- amortised + impaired = capitalised.
with

amounts as (
  select
    plan_id,
    transaction_id,
    currency_code,
    event_code,
    line_amount
  from {{ ref('fct_ledger_lines') }}
  union all
  select
    plan_id,
    transaction_id,
    currency_code,
    event_code,
    held_amount as line_amount
  from {{ ref('rpt_held_lines') }}
  where event_date <= {{ as_of_date() }}
),

ledger as (
  select
    contract_costs.contract_key,
    sum(amounts.line_amount) as ledger_amount
  from amounts
  inner join {{ ref('entry_kinds') }} as entry_kinds
    on
      amounts.event_code = entry_kinds.event_code
      and entry_kinds.is_contract_cost
  inner join {{ ref('fct_contract_costs') }} as contract_costs
    on
      amounts.plan_id = contract_costs.plan_id
      and amounts.transaction_id = contract_costs.transaction_id
      and amounts.currency_code = contract_costs.currency_code
      and contract_costs.treatment_code = 'capitalised'
  group by contract_costs.contract_key
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
