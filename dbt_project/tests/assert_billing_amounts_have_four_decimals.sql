-- Money has at most four decimals (ISO 4217); more would be lost where tax is taken out of a payment. Fix: correct
-- the amount in the billing system.
select
  'invoice' as kind_code,
  invoice_id as record_id
from {{ ref('stg_billing__invoices') }}
where
  subtotal_amount <> round(subtotal_amount, 4)
  or total_amount <> round(total_amount, 4)
union all
select
  'payment' as kind_code,
  payment_id as record_id
from {{ ref('stg_billing__payments') }}
where amount <> round(amount, 4)
