-- Keeps the latest version of each invoice under the source's own field names; from Stripe
-- where var billing_system says so.
-- Grain: one row an invoice.
with

current_rows as (
  {% if var('billing_system') == 'stripe' %}
    select * from {{ ref('stg_stripe__invoices') }}
  {% else %}
    {{ current_rows(source('billing', 'invoices'), ['invoice_id']) }}
  {% endif %}
)

select *
from current_rows
