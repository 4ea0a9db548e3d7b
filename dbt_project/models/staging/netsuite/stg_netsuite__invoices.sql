-- Gives NetSuite's invoices, cash sales and cash refunds the fields of the billing extracts: in the transaction's currency,
-- tax and shipping apart, without signs, the deal from the column of var netsuite_deal_column.
-- Grain: one row per invoice, cash sale or cash refund.
{{ config(enabled=var('billing_system') == 'netsuite') }}

with

transactions as (
  {{ current_rows(source('netsuite', 'transaction'), ['id']) }}
),

lines as (
  {{ current_rows(source('netsuite', 'transactionline'), ['"transaction"', 'id']) }}
),

currencies as (
  {{ current_rows(source('netsuite', 'currency'), ['id']) }}
),

charges as (
  select
    "transaction" as transaction_id,
    sum(case when taxline then foreignamount else 0 end) as tax_amount,
    sum(case when itemtype = 'ShipItem' and not coalesce(taxline, false) then foreignamount else 0 end) as freight_amount
  from lines
  where not is_deleted_in_source
  group by "transaction"
),

amounts as (
  select
    transactions.*,
    currencies.symbol as currency_code,
    abs(transactions.foreigntotal) as total_amount,
    abs(coalesce(charges.tax_amount, 0)) as tax_amount,
    abs(coalesce(charges.freight_amount, 0)) as freight_amount
  from transactions
  left join charges on transactions.id = charges.transaction_id
  left join currencies on transactions.currency = currencies.id
  where
    transactions."type" in ('CustInvc', 'CashSale', 'CashRfnd')
    and transactions.posting
)

select
  id as invoice_id,
  {{ var('netsuite_deal_column') }} as opportunity_id,
  entity as customer_id,
  trandate as invoice_date,
  duedate as due_date,
  currency_code,
  total_amount - tax_amount - freight_amount as subtotal_amount,
  tax_amount,
  freight_amount,
  total_amount,
  case
    when voided then 'void'
    when coalesce(foreignamountunpaid, 0) = 0 then 'paid'
    else 'open'
  end as status,
  is_deleted_in_source,
  _source_file,
  _source_row
from amounts
