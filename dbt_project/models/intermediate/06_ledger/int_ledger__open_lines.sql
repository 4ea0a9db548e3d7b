-- Posts what is owed to date less what closed periods posted: in its own month while that is open, else in the first open
-- month, with its origin and the reason of the difference. A line that is owed as it was posted needs no entry.
-- Grain: one row per line with something to post. Rule: docs/rules/ledger.md
with

entitlements as (
  select * from {{ ref('int_ledger__entitlements') }}
),

posted as (
  select * from {{ ref('int_ledger__posted') }}
),

first_open as (
  select
    {{ month_code(dbt.dateadd('month', 1, first_of_month('max(period_code)'))) }} as period_code
  from {{ ref('stg_books__closings') }}
),

posted_deals as (
  select distinct
    plan_id,
    transaction_id
  from posted
  where transaction_id is not null
),

verdicts as (
  select * from {{ ref('int_filtering__verdicts') }}
  where plan_id is not null
),

compared as (
  select
    coalesce(entitlements.line_key, posted.line_key) as line_key,
    coalesce(entitlements.entry_code, posted.entry_code) as entry_code,
    coalesce(entitlements.event_code, posted.event_code) as event_code,
    coalesce(entitlements.event_date, posted.event_date) as event_date,
    coalesce(entitlements.due_date, posted.due_date) as due_date,
    coalesce(entitlements.period_code, posted.period_code) as origin_period_code,
    coalesce(entitlements.payee_id, posted.payee_id) as payee_id,
    coalesce(entitlements.plan_id, posted.plan_id) as plan_id,
    coalesce(entitlements.currency_code, posted.currency_code) as currency_code,
    coalesce(entitlements.reward_id, posted.reward_id) as reward_id,
    coalesce(entitlements.reward_kind_code, posted.reward_kind_code) as reward_kind_code,
    coalesce(entitlements.credit_id, posted.credit_id) as credit_id,
    coalesce(entitlements.transaction_id, posted.transaction_id) as transaction_id,
    coalesce(entitlements.credited_payee_id, posted.credited_payee_id) as credited_payee_id,
    coalesce(entitlements.payment_id, posted.payment_id) as payment_id,
    coalesce(entitlements.line_amount, 0) - coalesce(posted.posted_amount, 0) as line_amount,
    entitlements.source_fingerprint,
    entitlements.numbers_fingerprint,
    entitlements.plan_fingerprint,
    posted.source_fingerprint as previous_source_fingerprint,
    posted.numbers_fingerprint as previous_numbers_fingerprint,
    posted.plan_fingerprint as previous_plan_fingerprint,
    entitlements.line_key is not null as is_entitled,
    posted.line_key is not null as is_posted_before
  from entitlements
  full outer join posted on entitlements.line_key = posted.line_key
),

scheduled as (
  select
    *,
    greatest(origin_period_code, {{ month_code('due_date') }}) as due_period_code
  from compared
),

placed as (
  select
    scheduled.*,
    greatest(scheduled.due_period_code, coalesce(first_open.period_code, scheduled.due_period_code))
      as posted_period_code
  from scheduled
  cross join first_open
  where
    not scheduled.is_posted_before
    or scheduled.line_amount <> 0
),

reasoned as (
  select
    placed.*,
    case
      when not placed.is_posted_before and placed.due_period_code = placed.posted_period_code then null
      when placed.entry_code = 'adjustment' then 'manual_adjustment'
      when not placed.is_posted_before and posted_deals.transaction_id is not null then 'credit_moved'
      when not placed.is_posted_before then 'late_data'
      when not placed.is_entitled and verdicts.reason_code = 'deleted_in_source' then 'deal_deleted'
      when not placed.is_entitled and verdicts.reason_code is not null then 'deal_no_longer_counts'
      when not placed.is_entitled and placed.transaction_id is not null then 'credit_moved'
      when not placed.is_entitled then 'no_longer_due'
      when not (placed.source_fingerprint is not distinct from placed.previous_source_fingerprint) then 'deal_edited'
      when not (placed.numbers_fingerprint is not distinct from placed.previous_numbers_fingerprint) then 'numbers_changed'
      when not (placed.plan_fingerprint is not distinct from placed.previous_plan_fingerprint) then 'plan_changed'
      else 'window_recalculated'
    end as reason_code
  from placed
  left join posted_deals
    on
      placed.plan_id = posted_deals.plan_id
      and placed.transaction_id = posted_deals.transaction_id
  left join verdicts
    on
      placed.plan_id = verdicts.plan_id
      and placed.transaction_id = verdicts.transaction_id
),

final as (
  select
    (posted_period_code || '|' || line_key)::varchar as ledger_line_key,
    line_key::varchar as line_key,
    entry_code::varchar as entry_code,
    event_code::varchar as event_code,
    event_date::date as event_date,
    due_date::date as due_date,
    origin_period_code::varchar as origin_period_code,
    posted_period_code::varchar as posted_period_code,
    payee_id::varchar as payee_id,
    plan_id::varchar as plan_id,
    currency_code::varchar as currency_code,
    line_amount::decimal(18, 4) as line_amount,
    reason_code::varchar as reason_code,
    reward_id::varchar as reward_id,
    reward_kind_code::varchar as reward_kind_code,
    credit_id::varchar as credit_id,
    transaction_id::varchar as transaction_id,
    credited_payee_id::varchar as credited_payee_id,
    payment_id::varchar as payment_id,
    source_fingerprint::varchar as source_fingerprint,
    numbers_fingerprint::varchar as numbers_fingerprint,
    plan_fingerprint::varchar as plan_fingerprint,
    previous_source_fingerprint::varchar as previous_source_fingerprint,
    previous_numbers_fingerprint::varchar as previous_numbers_fingerprint,
    previous_plan_fingerprint::varchar as previous_plan_fingerprint
  from reasoned
)

select * from final
