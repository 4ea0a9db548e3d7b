-- Says what each record of each target of seeds/crm should hold: of each deal only the months that have come to the
-- target's state, and, once one of its months has (or the month of its booking), what it established and what waits.
-- Grain: one row per target and record of the CRM. Rule: docs/rules/crm.md
with

crm_lines as (
  select
    *,
    max(state_rank) over (partition by transaction_id, payee_id, plan_id, currency_code) as furthest_rank
  from {{ ref('fct_crm_lines') }}
),

targets as (
  select
    crm_targets.*,
    calculation_states.state_rank as least_rank
  from {{ ref('crm_targets') }} as crm_targets
  inner join {{ ref('calculation_states') }} as calculation_states
    on crm_targets.least_state_code = calculation_states.state_code
),

deals as (
  select
    *,
    source_system || '/' || source_object as pool_object
  from {{ ref('int_pool__transactions') }}
  where transaction_id = deal_transaction_id
),

payees as (
  select * from {{ ref('dim_payees') }}
),

calculation_states as (
  select * from {{ ref('calculation_states') }}
),

paid as (
  select state_rank as paid_rank
  from calculation_states
  where state_code = 'paid'
),

counted as (
  select
    targets.target_id,
    targets.grain_code,
    deals.source_record_id,
    deals.is_deleted_in_source,
    crm_lines.*,
    crm_lines.state_rank >= targets.least_rank as is_ledger_counted,
    crm_lines.furthest_rank >= targets.least_rank as is_standing_counted
  from crm_lines
  inner join deals on crm_lines.transaction_id = deals.transaction_id
  inner join targets on deals.pool_object = targets.source_object
  where
    crm_lines.furthest_rank >= targets.least_rank
    or crm_lines.is_stale
),

keyed as (
  select
    *,
    case
      when grain_code = 'deal' then source_record_id
      else transaction_id || '|' || payee_id || '|' || currency_code
    end as record_key
  from counted
),

added_up as (
  select
    keyed.target_id,
    keyed.record_key,
    keyed.transaction_id,
    keyed.source_record_id,
    max(case when keyed.grain_code = 'payee' then keyed.payee_id end) as payee_id,
    count(distinct keyed.payee_id) as payee_count,
    min(keyed.currency_code) as currency_code,
    count(distinct keyed.currency_code) as currency_count,
    string_agg(distinct keyed.plan_id, ', ' order by keyed.plan_id) as plan_ids,
    sum(case when keyed.is_standing_counted then keyed.established_amount else 0 end) as established_amount,
    sum(case when keyed.is_ledger_counted then keyed.ledger_amount else 0 end) as ledger_amount,
    sum(case when keyed.state_rank >= paid.paid_rank then keyed.ledger_amount else 0 end) as paid_amount,
    sum(case when keyed.is_standing_counted then keyed.withheld_amount else 0 end) as withheld_amount,
    sum(case when keyed.is_standing_counted then keyed.expired_amount else 0 end) as expired_amount,
    sum(case when keyed.is_standing_counted then keyed.held_amount else 0 end) as held_amount,
    min_by(keyed.state_code, keyed.state_rank) filter (
      where keyed.line_count > 0
      and keyed.is_ledger_counted
    ) as state_code,
    max(case when keyed.line_count > 0 and keyed.is_ledger_counted then keyed.period_code end) as last_period_code,
    string_agg(
      distinct keyed.plan_id || '|' || keyed.period_code, ',' order by keyed.plan_id || '|' || keyed.period_code
    ) filter (where keyed.line_count > 0 and keyed.is_ledger_counted) as calculation_ids,
    bool_or(keyed.is_stale) as is_stale,
    bool_or(keyed.is_deleted_in_source) as is_deleted_in_source
  from keyed
  cross join paid
  group by keyed.target_id, keyed.record_key, keyed.transaction_id, keyed.source_record_id
),

judged as (
  select
    *,
    case
      when is_deleted_in_source then 'crm_deal_deleted'
      when currency_count > 1 then 'several_currencies'
      when is_stale then 'released_month_changed'
    end as reason_code
  from added_up
),

reason_codes as (
  select * from {{ ref('reason_codes') }}
),

final as (
  select
    (judged.target_id || '|' || judged.record_key)::varchar as crm_record_key,
    judged.target_id::varchar as target_id,
    judged.record_key::varchar as record_key,
    judged.transaction_id::varchar as transaction_id,
    judged.source_record_id::varchar as source_record_id,
    judged.payee_id::varchar as payee_id,
    payees.full_name::varchar as payee_name,
    judged.payee_count::bigint as payee_count,
    judged.currency_code::varchar as currency_code,
    judged.plan_ids::varchar as plan_ids,
    judged.established_amount::decimal(18, 4) as established_amount,
    judged.ledger_amount::decimal(18, 4) as ledger_amount,
    judged.paid_amount::decimal(18, 4) as paid_amount,
    judged.withheld_amount::decimal(18, 4) as withheld_amount,
    judged.expired_amount::decimal(18, 4) as expired_amount,
    judged.held_amount::decimal(18, 4) as held_amount,
    judged.state_code::varchar as state_code,
    judged.last_period_code::varchar as last_period_code,
    judged.calculation_ids::varchar as calculation_ids,
    judged.reason_code::varchar as reason_code,
    reason_codes.description::varchar as reason_description,
    reason_codes.fix::varchar as fix
  from judged
  left join reason_codes on judged.reason_code = reason_codes.reason_code
  left join payees on judged.payee_id = payees.payee_id
)

select * from final
