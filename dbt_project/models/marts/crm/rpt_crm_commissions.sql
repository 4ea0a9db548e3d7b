-- Shows what each deal brings each payee: established, posted, of it released, approved and paid, and what waits, has
-- expired or is held, with the plans, the state of the month that has come least far, and the last month that posts.
-- Grain: one row per deal, payee and currency. Rule: docs/rules/crm.md
with

crm_lines as (
  select * from {{ ref('fct_crm_lines') }}
),

calculation_states as (
  select * from {{ ref('calculation_states') }}
),

payees as (
  select * from {{ ref('dim_payees') }}
),

ranks as (
  select
    max(case when state_code = 'rewards_released' then state_rank end) as released_rank,
    max(case when state_code = 'approved' then state_rank end) as approved_rank,
    max(case when state_code = 'paid' then state_rank end) as paid_rank
  from calculation_states
),

added_up as (
  select
    crm_lines.transaction_id,
    crm_lines.payee_id,
    crm_lines.currency_code,
    string_agg(distinct crm_lines.plan_id, ', ' order by crm_lines.plan_id) as plan_ids,
    sum(crm_lines.established_amount) as established_amount,
    sum(crm_lines.ledger_amount) as ledger_amount,
    sum(case when crm_lines.state_rank >= ranks.released_rank then crm_lines.ledger_amount else 0 end) as released_amount,
    sum(case when crm_lines.state_rank >= ranks.approved_rank then crm_lines.ledger_amount else 0 end) as approved_amount,
    sum(case when crm_lines.state_rank >= ranks.paid_rank then crm_lines.ledger_amount else 0 end) as paid_amount,
    sum(crm_lines.withheld_amount) as withheld_amount,
    sum(crm_lines.expired_amount) as expired_amount,
    sum(crm_lines.held_amount) as held_amount,
    min_by(crm_lines.state_code, crm_lines.state_rank) filter (where crm_lines.line_count > 0) as state_code,
    max(case when crm_lines.line_count > 0 then crm_lines.period_code end) as last_period_code
  from crm_lines
  cross join ranks
  group by crm_lines.transaction_id, crm_lines.payee_id, crm_lines.currency_code
),

final as (
  select
    (added_up.transaction_id || '|' || added_up.payee_id || '|' || added_up.currency_code)::varchar as crm_commission_key,
    added_up.transaction_id::varchar as transaction_id,
    added_up.payee_id::varchar as payee_id,
    payees.full_name::varchar as payee_name,
    added_up.currency_code::varchar as currency_code,
    added_up.plan_ids::varchar as plan_ids,
    added_up.established_amount::decimal(18, 4) as established_amount,
    added_up.ledger_amount::decimal(18, 4) as ledger_amount,
    added_up.released_amount::decimal(18, 4) as released_amount,
    added_up.approved_amount::decimal(18, 4) as approved_amount,
    added_up.paid_amount::decimal(18, 4) as paid_amount,
    added_up.withheld_amount::decimal(18, 4) as withheld_amount,
    added_up.expired_amount::decimal(18, 4) as expired_amount,
    added_up.held_amount::decimal(18, 4) as held_amount,
    added_up.state_code::varchar as state_code,
    added_up.last_period_code::varchar as last_period_code
  from added_up
  left join payees on added_up.payee_id = payees.payee_id
)

select * from final
