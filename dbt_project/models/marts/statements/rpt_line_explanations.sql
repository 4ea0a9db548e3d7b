-- Unfolds each ledger line: deal, credit, place against quota, tiers and rates, variables, rule and plan version, marks of
-- the configuration before and after, source record. What is gone today keeps what its book says of it.
-- Grain: one row per ledger line.
with

ledger_lines as (
  select * from {{ ref('fct_ledger_lines') }}
),

commission_lines as (
  select
    due_lines.part_key,
    due.collected_ratio
  from {{ ref('int_ledger__due_lines') }} as due_lines
  inner join {{ ref('fct_commission_lines') }} as due on due_lines.line_key = due.line_key
),

credits as (
  select * from {{ ref('fct_credits') }}
),

rewards as (
  select * from {{ ref('int_rewards__rounded') }}
),

attainment as (
  select * from {{ ref('rpt_attainment') }}
),

transactions as (
  select * from {{ ref('dim_transactions') }}
),

plans as (
  select * from {{ ref('dim_plans') }}
),

reasons as (
  select * from {{ ref('reason_codes') }}
),

clawbacks as (
  select
    due_lines.part_key,
    clawbacks.cause_code || ' ' || clawbacks.elapsed_days || ' days after booking: the deal lost '
    || clawbacks.lost_after_amount || ', before ' || clawbacks.lost_before_amount || '; weight '
    || clawbacks.weight_numerator || ' of ' || clawbacks.weight_denominator || '; taken of ' || clawbacks.base_amount
      as event_text
  from {{ ref('int_ledger__due_lines') }} as due_lines
  inner join {{ ref('int_ledger__clawbacks') }} as clawbacks on due_lines.line_key = clawbacks.line_key
),

draw_months as (
  select
    draw_lines.line_key,
    draw_months.draw_id || ': the month earned ' || draw_months.earned_amount || ' of at least '
    || draw_months.draw_amount || '; balance ' || draw_months.balance_before_amount || ', then '
    || draw_months.balance_after_amount as event_text
  from {{ ref('int_ledger__draw_lines') }} as draw_lines
  inner join {{ ref('int_ledger__draw_months') }} as draw_months on draw_lines.draw_month_key = draw_months.draw_month_key
),

-- From the deal to the credit: what was valued, at which rates, and which part of it is the payee's.
deal_values as (
  select * from {{ ref('int_valuation__values') }}
),

booking_rates as (
  select * from {{ ref('int_valuation__booking_rates') }}
),

candidates as (
  select
    candidates.credit_id,
    candidates.level_number,
    candidates.level_factor,
    candidates.candidate_amount,
    deal_values.transaction_amount,
    deal_values.transaction_currency_code,
    deal_values.native_value_amount,
    deal_values.fx_rate,
    deal_values.fx_rate_date,
    case when deal_values.fx_rate is not null then from_rates.units_per_base end as units_from,
    case when deal_values.fx_rate is not null then to_rates.units_per_base end as units_to,
    deal_values.value_amount,
    {{ ratio(ratio('candidates.candidate_amount', 'deal_values.value_amount'), 'candidates.level_factor') }} as share_ratio
  from {{ ref('int_crediting__candidates') }} as candidates
  inner join deal_values
    on
      candidates.plan_id = deal_values.plan_id
      and candidates.transaction_id = deal_values.transaction_id
  left join {{ ref('dim_transactions') }} as valued_transactions
    on candidates.transaction_id = valued_transactions.transaction_id
  left join booking_rates as from_rates
    on
      deal_values.transaction_currency_code = from_rates.currency_code
      and valued_transactions.deal_booked_date = from_rates.booked_date
  left join booking_rates as to_rates
    on
      deal_values.currency_code = to_rates.currency_code
      and valued_transactions.deal_booked_date = to_rates.booked_date
  where candidates.reason_code is null
),

closings as (
  select * from {{ ref('stg_books__closings') }}
),

tiers as (
  select
    credit_id,
    string_agg(tier_text, '; ' order by tier_number) as tiers_text
  from {{ ref('rpt_commission_tiers') }}
  group by credit_id
),

window_variables as (
  select
    window_key,
    string_agg(
      variable_name || ' = ' || value || ' (' || scope_code || ', ' || number_date || ')',
      '; ' order by variable_name, number_date
    ) as variables_text
  from {{ ref('int_attainment__variable_values') }}
  group by window_key
),

final as (
  select
    ledger_lines.ledger_line_key,
    ledger_lines.payee_id,
    ledger_lines.plan_id,
    ledger_lines.posted_period_code,
    ledger_lines.origin_period_code,
    ledger_lines.is_posted,
    ledger_lines.entry_code,
    ledger_lines.event_code,
    ledger_lines.event_date,
    ledger_lines.currency_code,
    ledger_lines.line_amount,
    ledger_lines.reason_code,
    reasons.description as reason_description,
    ledger_lines.reward_id,
    ledger_lines.reward_kind_code,
    rewards.commission_amount,
    commission_lines.collected_ratio,
    coalesce(clawbacks.event_text, draw_months.event_text) as event_text,
    ledger_lines.due_date,
    ledger_lines.payment_id,
    ledger_lines.credit_id,
    credits.credit_type_code,
    credits.rule_id,
    credits.credit_date,
    candidates.transaction_amount,
    candidates.transaction_currency_code,
    candidates.native_value_amount,
    candidates.units_from,
    candidates.units_to,
    candidates.fx_rate,
    candidates.fx_rate_date,
    candidates.value_amount,
    candidates.share_ratio,
    candidates.level_number,
    candidates.level_factor,
    candidates.candidate_amount,
    credits.credited_amount,
    attainment.window_code,
    credits.cumulative_before_amount,
    credits.cumulative_after_amount,
    attainment.quota_amount,
    tiers.tiers_text,
    window_variables.variables_text,
    ledger_lines.transaction_id,
    transactions.source_record_id,
    transactions.source_file,
    transactions.source_row,
    rewards.plan_valid_from,
    plans.source_document as plan_document,
    ledger_lines.plan_fingerprint,
    ledger_lines.previous_plan_fingerprint,
    ledger_lines.numbers_fingerprint,
    ledger_lines.previous_numbers_fingerprint,
    closings.configuration_fingerprint
  from ledger_lines
  left join commission_lines on ledger_lines.line_key = commission_lines.part_key
  left join clawbacks on ledger_lines.line_key = clawbacks.part_key
  left join draw_months on ledger_lines.line_key = draw_months.line_key
  left join credits on ledger_lines.credit_id = credits.credit_id
  left join candidates on ledger_lines.credit_id = candidates.credit_id
  left join rewards on ledger_lines.reward_id = rewards.reward_id
  left join attainment on rewards.window_key = attainment.window_key
  left join window_variables on rewards.window_key = window_variables.window_key
  left join tiers on ledger_lines.credit_id = tiers.credit_id
  left join transactions on ledger_lines.transaction_id = transactions.transaction_id
  left join plans
    on
      rewards.plan_id = plans.plan_id
      and rewards.plan_valid_from = plans.valid_from
  left join reasons on ledger_lines.reason_code = reasons.reason_code
  left join closings on ledger_lines.posted_period_code = closings.period_code
)

select
  ledger_line_key::varchar as ledger_line_key,
  payee_id::varchar as payee_id,
  plan_id::varchar as plan_id,
  posted_period_code::varchar as posted_period_code,
  origin_period_code::varchar as origin_period_code,
  is_posted::boolean as is_posted,
  entry_code::varchar as entry_code,
  event_code::varchar as event_code,
  event_date::date as event_date,
  due_date::date as due_date,
  currency_code::varchar as currency_code,
  line_amount::decimal(18, 4) as line_amount,
  reason_code::varchar as reason_code,
  reason_description::varchar as reason_description,
  reward_id::varchar as reward_id,
  reward_kind_code::varchar as reward_kind_code,
  commission_amount::decimal(18, 4) as commission_amount,
  collected_ratio::decimal(28, 10) as collected_ratio,
  event_text::varchar as event_text,
  payment_id::varchar as payment_id,
  credit_id::varchar as credit_id,
  credit_type_code::varchar as credit_type_code,
  rule_id::varchar as rule_id,
  credit_date::date as credit_date,
  transaction_amount::decimal(28, 10) as transaction_amount,
  transaction_currency_code::varchar as transaction_currency_code,
  native_value_amount::decimal(28, 10) as native_value_amount,
  units_from::decimal(28, 10) as units_from,
  units_to::decimal(28, 10) as units_to,
  fx_rate::decimal(28, 10) as fx_rate,
  fx_rate_date::date as fx_rate_date,
  value_amount::decimal(28, 10) as value_amount,
  share_ratio::decimal(28, 10) as share_ratio,
  level_number::integer as level_number,
  level_factor::decimal(18, 10) as level_factor,
  candidate_amount::decimal(28, 10) as candidate_amount,
  credited_amount::decimal(28, 10) as credited_amount,
  window_code::varchar as window_code,
  cumulative_before_amount::decimal(28, 10) as cumulative_before_amount,
  cumulative_after_amount::decimal(28, 10) as cumulative_after_amount,
  quota_amount::decimal(28, 10) as quota_amount,
  tiers_text::varchar as tiers_text,
  variables_text::varchar as variables_text,
  transaction_id::varchar as transaction_id,
  source_record_id::varchar as source_record_id,
  source_file::varchar as source_file,
  source_row::bigint as source_row,
  plan_valid_from::date as plan_valid_from,
  plan_document::varchar as plan_document,
  plan_fingerprint::varchar as plan_fingerprint,
  previous_plan_fingerprint::varchar as previous_plan_fingerprint,
  numbers_fingerprint::varchar as numbers_fingerprint,
  previous_numbers_fingerprint::varchar as previous_numbers_fingerprint,
  configuration_fingerprint::varchar as configuration_fingerprint
from final
