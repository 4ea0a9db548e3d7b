-- Lists every amount that became due, by reward and event.
-- Grain: one row a reward, beneficiary and event (booking, payment, refund, bonus, floor or custom).
with

lines as (
  select * from {{ ref('int_ledger__lines') }}
)

select * from lines
