-- Keeps the latest version of each invoice under the source's own field names.
-- Grain: one row an invoice.
with

current_rows as (
  {{ current_rows(source('billing', 'invoices'), ['invoice_id']) }}
)

select *
from current_rows
