-- Adds up what each transaction of NetSuite has applied to another: a payment or credit memo to an invoice, a refund to a
-- credit memo.
-- Grain: one row per applying transaction and the one it is applied to.
{{ config(enabled=var('billing_system') == 'netsuite') }}

with

links as (
  {{ current_rows(
    source('netsuite', 'nexttransactionlinelink'), ['previousdoc', 'previousline', 'nextdoc', 'nextline', 'linktype']
  ) }}
)

select
  nextdoc as transaction_id,
  previousdoc as applied_to_id,
  sum(foreignamount) as amount
from links
where
  not is_deleted_in_source
  and linktype = 'Payment'
  and foreignamount > 0
group by
  nextdoc,
  previousdoc
