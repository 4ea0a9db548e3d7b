-- Keeps the latest version of each invoice under the source's own field names; from the system
-- that var billing_system names.
-- Grain: one row per invoice.
with

current_rows as (
  {% if var('billing_system') == 'files' %}
    {{ current_rows(source('billing', 'invoices'), ['invoice_id']) }}
  {% else %}
    select * from {{ ref('stg_' ~ var('billing_system') ~ '__invoices') }}
  {% endif %}
)

select *
from current_rows
