-- Lists every amount that became due, by reward and event.
-- Grain: one row per reward, beneficiary and event (booking, payment, refund, credit_memo, clawback,
-- clawback_return, bonus, floor or custom).
with

lines as (
  select * from {{ ref('int_ledger__lines') }}
)

select * exclude (commission_key, deal_transaction_id, event_order, terms_date)
from lines
