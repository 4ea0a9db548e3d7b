-- Matches each payment, refund and credit memo to its deal by deal id (through the invoice), takes tax and freight out, and
-- keeps the running totals of the deal; what cannot be matched keeps a reason. Each is measured against the deal as it is
-- today and against each other version that a plan reads. Billing amounts have at most the four decimals of ISO 4217
-- (checked by assert_billing_amounts_have_four_decimals).
-- Grain: one row per payment, refund or credit memo and version of deals. Rule: docs/rules/payouts.md
with

payments as (
  select * from {{ ref('stg_billing__payments') }}
),

invoices as (
  select * from {{ ref('stg_billing__invoices') }}
),

deals as (
  select * from {{ ref('int_pool__deal_versions') }}
  where
    source_system = 'crm'
    and source_object = 'Opportunity'
),

versions as (
  select 'current' as version_code
  union
  select distinct version_code
  from deals
),

matched as (
  select
    versions.version_code,
    payments.payment_id,
    payments.kind,
    payments.kind = 'credit_memo' as is_memo,
    payments.invoice_id,
    payments.paid_date,
    payments.currency_code,
    cast(payments.amount as decimal(28, 10)) as amount,
    invoices.opportunity_id as deal_id,
    deals.transaction_id,
    deals.transaction_amount,
    cast(invoices.subtotal_amount as decimal(28, 10)) as subtotal_amount,
    cast(invoices.total_amount as decimal(28, 10)) as total_amount,
    case
      when payments.is_deleted_in_source then 'deleted_in_source'
      when payments.paid_date is null then 'missing_paid_date'
      when payments.paid_date > {{ as_of_date() }} then 'after_as_of_date'
      when payments.amount is null then 'missing_amount'
      when payments.invoice_id is null then 'missing_invoice'
      when invoices.invoice_id is null then 'unknown_invoice'
      when invoices.opportunity_id is null then 'missing_deal'
      when deals.transaction_id is null then 'unknown_deal'
      when not (payments.currency_code is not distinct from deals.currency_code) then 'currency_differs'
      when coalesce(deals.transaction_amount, 0) = 0 then 'deal_without_amount'
      when coalesce(invoices.total_amount, 0) = 0 then 'invoice_without_total'
    end as reason_code
  from payments
  cross join versions
  left join invoices on payments.invoice_id = invoices.invoice_id
  left join deals
    on
      invoices.opportunity_id = deals.source_record_id
      and versions.version_code = deals.version_code
),

paid_to_date as (
  select
    *,
    case
      when reason_code is null
        then sum(amount) over (
          partition by version_code, invoice_id, reason_code
          order by paid_date, payment_id
          rows between unbounded preceding and current row
        )
    end::decimal(28, 10) as paid_after_amount
  from matched
),

netted as (
  select
    *,
    {{ net_of('paid_after_amount') }} - {{ net_of('paid_after_amount - amount') }} as net_amount
  from paid_to_date
),

parted as (
  select
    *,
    case when is_memo then net_amount * 0 else net_amount end as collected_amount,
    case when is_memo then net_amount else net_amount * 0 end as memo_amount,
    case when kind = 'refund' then net_amount else net_amount * 0 end as refunded_amount,
    case when reason_code is null and not is_memo then amount else net_amount * 0 end as gross_collected_amount,
    case when reason_code is null and is_memo then amount else net_amount * 0 end as gross_memo_amount
  from netted
),

accumulated as (
  select
    *,
    sum(collected_amount) over each_deal as collected_after_amount,
    sum(memo_amount) over each_deal as memo_after_amount,
    sum(refunded_amount) over each_deal as refunded_after_amount,
    sum(gross_collected_amount) over each_deal as gross_collected_after_amount,
    sum(gross_memo_amount) over each_deal as gross_memo_after_amount
  from parted
  window each_deal as (
    partition by version_code, transaction_id, reason_code
    order by paid_date, payment_id
    rows between unbounded preceding and current row
  )
),

final as (
  select
    (version_code || '|' || payment_id)::varchar as collection_key,
    payment_id::varchar as payment_id,
    version_code::varchar as version_code,
    kind::varchar as kind_code,
    invoice_id::varchar as invoice_id,
    deal_id::varchar as deal_id,
    transaction_id::varchar as transaction_id,
    paid_date::date as paid_date,
    currency_code::varchar as currency_code,
    amount::decimal(28, 10) as payment_amount,
    collected_amount::decimal(28, 10) as collected_amount,
    memo_amount::decimal(28, 10) as memo_amount,
    (case when reason_code is null then collected_after_amount - collected_amount end)::decimal(28, 10)
      as collected_before_amount,
    (case when reason_code is null then collected_after_amount end)::decimal(28, 10) as collected_after_amount,
    (case when reason_code is null then memo_after_amount - memo_amount end)::decimal(28, 10)
      as memo_before_amount,
    (case when reason_code is null then memo_after_amount end)::decimal(28, 10) as memo_after_amount,
    (case when reason_code is null then gross_collected_after_amount - gross_collected_amount end)::decimal(28, 10)
      as gross_collected_before_amount,
    (case when reason_code is null then gross_collected_after_amount end)::decimal(28, 10) as gross_collected_after_amount,
    (case when reason_code is null then gross_memo_after_amount - gross_memo_amount end)::decimal(28, 10)
      as gross_memo_before_amount,
    (case when reason_code is null then gross_memo_after_amount end)::decimal(28, 10) as gross_memo_after_amount,
    (case when reason_code is null then refunded_after_amount end)::decimal(28, 10) as refunded_after_amount,
    transaction_amount::decimal(28, 10) as transaction_amount,
    reason_code::varchar as reason_code
  from accumulated
)

select * from final
