-- Keeps the latest version of each payment or refund under the source's own field names.
-- Grain: one row a payment or refund.
with

current_rows as (
  {{ current_rows(source('billing', 'payments'), ['payment_id']) }}
)

select *
from current_rows
