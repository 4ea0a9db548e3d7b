-- Compares what billing itself says is paid of an invoice with what counts as paid here, and lists each difference with its
-- reason. Refunds are not compared: billing systems do not take them off the invoice. Invoices without a deal are listed by
-- their payments (rpt_unmatched_payments).
-- Grain: one row per invoice and source where the two differ. Rule: docs/rules/ledger.md
with

settled as (
  select * from {{ ref('stg_billing__settled') }}
),

invoices as (
  select * from {{ ref('stg_billing__invoices') }}
),

collections as (
  select * from {{ ref('int_pool__collections') }}
),

reason_codes as (
  select * from {{ ref('reason_codes') }}
),

judged as (
  select
    *,
    coalesce(reason_code, 'after_as_of_date') = 'after_as_of_date' as is_counted
  from collections
  where reason_code is distinct from 'deleted_in_source'
),

found as (
  select
    invoice_id,
    coalesce(sum(payment_amount) filter (where kind_code = 'payment'), 0) as paid_amount,
    coalesce(-sum(payment_amount) filter (where kind_code = 'credit_memo'), 0) as memo_amount,
    coalesce(sum(payment_amount) filter (where kind_code = 'payment' and is_counted), 0) as counted_paid_amount,
    coalesce(-sum(payment_amount) filter (where kind_code = 'credit_memo' and is_counted), 0) as counted_memo_amount
  from judged
  group by invoice_id
),

compared as (
  select
    invoices.invoice_id,
    invoices.opportunity_id,
    invoices.currency_code,
    invoices.total_amount,
    settled.settled_amount,
    settled.written_off_amount,
    coalesce(found.counted_paid_amount, 0)
    + case when settled.counts_memos then coalesce(found.counted_memo_amount, 0) else 0 end as counted_amount,
    coalesce(found.paid_amount, 0)
    + case when settled.counts_memos then coalesce(found.memo_amount, 0) else 0 end as found_amount
  from settled
  inner join invoices on settled.invoice_id = invoices.invoice_id
  left join found on settled.invoice_id = found.invoice_id
  where
    invoices.opportunity_id is not null
    and settled.settled_amount is not null
),

reasoned as (
  select
    *,
    case
      when settled_amount - written_off_amount = counted_amount then 'written_off'
      when settled_amount - written_off_amount = found_amount then 'payment_not_counted'
      when settled_amount - written_off_amount > counted_amount then 'payment_not_found'
      else 'more_found_than_paid'
    end as reason_code
  from compared
  where settled_amount <> counted_amount
),

final as (
  select
    '{{ var("billing_system") }}'::varchar as source_system,
    reasoned.invoice_id::varchar as invoice_id,
    reasoned.opportunity_id::varchar as deal_id,
    reasoned.currency_code::varchar as currency_code,
    reasoned.total_amount::decimal(28, 10) as invoice_amount,
    reasoned.settled_amount::decimal(28, 10) as settled_amount,
    reasoned.counted_amount::decimal(28, 10) as counted_amount,
    reasoned.written_off_amount::decimal(28, 10) as written_off_amount,
    (reasoned.settled_amount - reasoned.counted_amount)::decimal(28, 10) as difference_amount,
    sum(reasoned.settled_amount - reasoned.counted_amount) over (
      partition by reasoned.opportunity_id, reasoned.currency_code
    )::decimal(28, 10) as deal_difference_amount,
    reasoned.reason_code::varchar as reason_code,
    reason_codes.description::varchar as reason_description,
    reason_codes.fix::varchar as fix
  from reasoned
  inner join reason_codes on reasoned.reason_code = reason_codes.reason_code
)

select * from final
