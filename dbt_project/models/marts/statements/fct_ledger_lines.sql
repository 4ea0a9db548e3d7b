-- Lists every amount that is posted: in closed periods as their books have it, in open ones as it stands today.
-- Grain: one row per line and the period that posts it.
{% set columns = [
  'ledger_line_key', 'line_key', 'entry_code', 'event_code', 'event_date', 'due_date', 'origin_period_code',
  'posted_period_code', 'payee_id', 'plan_id', 'currency_code', 'line_amount', 'reason_code', 'reward_id',
  'reward_kind_code', 'credit_id', 'transaction_id', 'credited_payee_id', 'payment_id', 'source_fingerprint',
  'numbers_fingerprint', 'plan_fingerprint', 'previous_source_fingerprint', 'previous_numbers_fingerprint',
  'previous_plan_fingerprint'
] %}
with

open_lines as (
  select
    {{ columns | join(', ') }},
    false as is_posted
  from {{ ref('int_ledger__open_lines') }}
),

draw_lines as (
  select
    period_code || '|' || line_key as ledger_line_key,
    line_key,
    'draw' as entry_code,
    event_code,
    settled_date as event_date,
    settled_date as due_date,
    period_code as origin_period_code,
    period_code as posted_period_code,
    payee_id,
    plan_id,
    currency_code,
    line_amount,
    plan_fingerprint,
    false as is_posted
  from {{ ref('int_ledger__draw_lines') }}
),

posted_lines as (
  select
    {{ columns | join(', ') }},
    true as is_posted
  from {{ ref('stg_books__lines') }}
),

final as (
  select * from posted_lines
  union all
  select * from open_lines
  union all by name
  select * from draw_lines
)

select
  ledger_line_key::varchar as ledger_line_key,
  line_key::varchar as line_key,
  entry_code::varchar as entry_code,
  event_code::varchar as event_code,
  event_date::date as event_date,
  due_date::date as due_date,
  origin_period_code::varchar as origin_period_code,
  posted_period_code::varchar as posted_period_code,
  is_posted::boolean as is_posted,
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
from final
