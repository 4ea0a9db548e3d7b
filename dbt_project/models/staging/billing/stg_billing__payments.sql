-- Keeps the latest version of each payment, refund or credit memo under the source's own field names; from Stripe
-- where var billing_system says so.
-- Grain: one row a payment, refund or credit memo. Rule: docs/rules/payouts.md
with

current_rows as (
  {% if var('billing_system') == 'stripe' %}
    select * from {{ ref('stg_stripe__payments') }}
  {% else %}
    {{ current_rows(source('billing', 'payments'), ['payment_id']) }}
  {% endif %}
)

select *
from current_rows
