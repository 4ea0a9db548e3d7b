-- Says how much of each invoice the billing system itself holds for settled; extracts of files do not say it. From the
-- system that var billing_system names.
-- Grain: one row per invoice. Rule: docs/rules/ledger.md
with

settled as (
  {% if var('billing_system') == 'files' %}
    select
      null::varchar as invoice_id,
      null::decimal(28, 10) as settled_amount,
      null::decimal(28, 10) as written_off_amount,
      null::boolean as counts_memos
    where false
  {% else %}
    select * from {{ ref('stg_' ~ var('billing_system') ~ '__settled') }}
  {% endif %}
)

select
  invoice_id,
  cast(settled_amount as decimal(28, 10)) as settled_amount,
  cast(written_off_amount as decimal(28, 10)) as written_off_amount,
  counts_memos
from settled
