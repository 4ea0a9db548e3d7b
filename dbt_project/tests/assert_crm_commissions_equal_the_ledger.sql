-- What deals bring payees is the ledger's lines of deals, by payee and currency, and what the rewards of deals established;
-- nothing is written to a CRM beyond it.
with

deals_of_ledger as (
  select
    payee_id,
    currency_code,
    sum(line_amount) as ledger_amount
  from {{ ref('fct_ledger_lines') }}
  where transaction_id is not null
  group by payee_id, currency_code
),

established as (
  select
    payee_id,
    currency_code,
    sum(commission_amount) as established_amount
  from {{ ref('int_rewards__commissions') }}
  where transaction_id is not null
  group by payee_id, currency_code
),

crm as (
  select
    payee_id,
    currency_code,
    sum(ledger_amount) as ledger_amount,
    sum(established_amount) as established_amount
  from {{ ref('rpt_crm_commissions') }}
  group by payee_id, currency_code
)

select
  coalesce(crm.payee_id, deals_of_ledger.payee_id, established.payee_id) as payee_id,
  crm.ledger_amount,
  deals_of_ledger.ledger_amount as posted_amount,
  crm.established_amount,
  established.established_amount as rewarded_amount
from crm
full outer join deals_of_ledger
  on
    crm.payee_id = deals_of_ledger.payee_id
    and crm.currency_code = deals_of_ledger.currency_code
full outer join established
  on
    coalesce(crm.payee_id, deals_of_ledger.payee_id) = established.payee_id
    and coalesce(crm.currency_code, deals_of_ledger.currency_code) = established.currency_code
where
  coalesce(crm.ledger_amount, 0) <> coalesce(deals_of_ledger.ledger_amount, 0)
  or coalesce(crm.established_amount, 0) <> coalesce(established.established_amount, 0)
