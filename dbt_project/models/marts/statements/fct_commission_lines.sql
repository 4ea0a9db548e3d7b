-- Lists every amount that became due, by credit and event.
-- Grain: one row a credit and event (booking, payment or refund).
with

lines as (
  select * from {{ ref('int_ledger__lines') }}
)

select * from lines
