-- What the months post, and what they are worth today, are both the whole ledger.
with

reviews as (
  select
    currency_code,
    sum(posted_amount) as posted_amount,
    sum(worth_today_amount) as worth_today_amount
  from {{ ref('rpt_month_reviews') }}
  group by currency_code
),

ledger as (
  select
    currency_code,
    sum(line_amount) as line_amount
  from {{ ref('fct_ledger_lines') }}
  group by currency_code
)

select
  ledger.currency_code,
  ledger.line_amount,
  reviews.posted_amount,
  reviews.worth_today_amount
from ledger
left join reviews on ledger.currency_code = reviews.currency_code
where
  ledger.line_amount is distinct from reviews.posted_amount
  or ledger.line_amount is distinct from reviews.worth_today_amount
