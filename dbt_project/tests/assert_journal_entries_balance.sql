-- Invariant 4: debits equal credits in each entry and currency, each entry has both sides, and no side is negative.
select journal_entry_key
from {{ ref('fct_journal_lines') }}
group by journal_entry_key, currency_code
having
  sum(debit_amount) <> sum(credit_amount)
  or count(*) <> count(distinct account_code)
  or count(distinct account_code) = 1
  or min(debit_amount) < 0
  or min(credit_amount) < 0
