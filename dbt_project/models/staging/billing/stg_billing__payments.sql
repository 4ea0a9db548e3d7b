-- Keeps the latest version of each payment, refund or credit memo under the source's own field names; from the system
-- that var billing_system names.
-- Grain: one row per payment, refund or credit memo. Rule: docs/rules/payouts.md
with

current_rows as (
  {% if var('billing_system') == 'files' %}
    {{ current_rows(source('billing', 'payments'), ['payment_id']) }}
  {% else %}
    select * from {{ ref('stg_' ~ var('billing_system') ~ '__payments') }}
  {% endif %}
)

select *
from current_rows
