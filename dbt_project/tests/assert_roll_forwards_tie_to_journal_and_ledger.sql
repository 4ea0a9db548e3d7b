-- The asset of each month is the balance of the contract cost accounts in the journal, the liability that of the liability
-- accounts; and the liability is what has been earned by then less what files have paid by then, in all what is posted or
-- held less what is paid. Only where there are posting rules: a company without them keeps no journal here.
with

asset as (
  select
    period_code,
    plan_id,
    currency_code,
    opening_amount,
    closing_amount,
    coalesce(lag(closing_amount) over (
      partition by plan_id, currency_code
      order by period_code
    ), 0) as closing_before_amount
  from {{ ref('rpt_asset_roll_forward') }}
),

liability as (
  select
    period_code,
    account_code,
    currency_code,
    opening_amount,
    closing_amount,
    coalesce(lag(closing_amount) over (
      partition by account_code, currency_code
      order by period_code
    ), 0) as closing_before_amount
  from {{ ref('rpt_liability_roll_forward') }}
),

journal_lines as (
  select * from {{ ref('fct_journal_lines') }}
),

asset_months as (
  select
    asset.period_code,
    asset.currency_code,
    sum(asset.closing_amount) as closing_amount
  from asset
  group by asset.period_code, asset.currency_code
),

asset_balances as (
  select
    asset_months.period_code,
    asset_months.currency_code,
    asset_months.closing_amount,
    sum(journal_lines.debit_amount - journal_lines.credit_amount) as balance_amount
  from asset_months
  left join journal_lines
    on
      asset_months.currency_code = journal_lines.currency_code
      and journal_lines.account_kind_code = 'contract_cost'
      and journal_lines.period_code <= asset_months.period_code
  group by asset_months.period_code, asset_months.currency_code, asset_months.closing_amount
),

paid as (
  select
    {{ month_code('pay_cycles.pay_date') }} as period_code,
    exported_lines.currency_code,
    -exported_lines.line_amount as posted_amount
  from {{ ref('stg_books__exported_lines') }} as exported_lines
  inner join {{ ref('pay_cycles') }} as pay_cycles
    on
      exported_lines.pay_group_id = pay_cycles.pay_group_id
      and exported_lines.pay_cycle_code = pay_cycles.pay_cycle_code
      and pay_cycles.pay_date <= {{ as_of_date() }}
  where exported_lines.line_kind_code = 'payment'
),

posted as (
  select
    period_code,
    currency_code,
    earned_amount as posted_amount
  from {{ ref('int_ledger__earned_lines') }}
  union all
  select * from paid
),

-- To the last month: posted or held, and not paid.
unpaid_in_all as (
  select
    currency_code,
    sum(amount) as balance_amount
  from (
    select
      currency_code,
      line_amount as amount
    from {{ ref('fct_ledger_lines') }}
    union all
    select
      currency_code,
      held_amount as amount
    from {{ ref('rpt_held_lines') }}
    where event_date <= {{ as_of_date() }}
    union all
    select
      currency_code,
      posted_amount as amount
    from paid
  )
  group by currency_code
),

unpaid as (
  select
    currency_code,
    period_code,
    sum(posted_amount) as posted_amount
  from posted
  group by currency_code, period_code
),

liability_months as (
  select
    period_code,
    currency_code,
    sum(closing_amount) as closing_amount
  from liability
  group by period_code, currency_code
),

liability_balances as (
  select
    liability_months.period_code,
    liability_months.currency_code,
    liability_months.closing_amount,
    sum(unpaid.posted_amount) as balance_amount
  from liability_months
  left join unpaid
    on
      liability_months.currency_code = unpaid.currency_code
      and unpaid.period_code <= liability_months.period_code
  group by liability_months.period_code, liability_months.currency_code, liability_months.closing_amount
)

select 'liability in all ' || last_months.currency_code as difference_key
from (
  select
    currency_code,
    max_by(closing_amount, period_code) as closing_amount
  from liability_months
  group by currency_code
) as last_months
left join unpaid_in_all on last_months.currency_code = unpaid_in_all.currency_code
where last_months.closing_amount <> coalesce(unpaid_in_all.balance_amount, 0)
union all
select 'asset ' || period_code as difference_key
from asset_balances
where
  closing_amount <> coalesce(balance_amount, 0)
  and exists (select 1 from {{ ref('posting_rules') }})
union all
select 'liability ' || period_code as difference_key
from liability_balances
where closing_amount <> coalesce(balance_amount, 0)
union all
select 'asset opening ' || period_code as difference_key
from asset
where opening_amount <> closing_before_amount
union all
select 'liability opening ' || period_code as difference_key
from liability
where opening_amount <> closing_before_amount
