-- Takes back commission that was paid on booking, and returns it, with each change of what the deal has lost.
-- Grain: one row per reward, beneficiary and change of the deal's loss that takes or returns something.
-- Rule: docs/rules/payouts.md
with

commissions as (
  select * from {{ ref('int_rewards__commissions') }}
),

clawbacks as (
  select * from {{ ref('int_ledger__clawbacks') }}
  where clawback_amount <> 0
),

clawback_lines as (
  select
    commissions.*,
    clawbacks.line_key,
    commissions.transaction_id as deal_transaction_id,
    commissions.reward_date as terms_date,
    case when clawbacks.lost_after_amount > clawbacks.lost_before_amount then 'clawback' else 'clawback_return' end
      as event_code,
    clawbacks.event_date,
    clawbacks.event_order,
    clawbacks.payment_id,
    clawbacks.clawback_amount as line_amount
  from commissions
  inner join clawbacks on commissions.commission_key = clawbacks.commission_key
),

final as (
  select
    line_key::varchar as line_key,
    commission_key::varchar as commission_key,
    reward_id::varchar as reward_id,
    reward_kind_code::varchar as reward_kind_code,
    credit_id::varchar as credit_id,
    transaction_id::varchar as transaction_id,
    deal_transaction_id::varchar as deal_transaction_id,
    plan_id::varchar as plan_id,
    terms_date::date as terms_date,
    credited_payee_id::varchar as credited_payee_id,
    payee_id::varchar as payee_id,
    event_code::varchar as event_code,
    event_date::date as event_date,
    event_order::integer as event_order,
    payment_id::varchar as payment_id,
    currency_code::varchar as currency_code,
    line_amount::decimal(18, 4) as line_amount
  from clawback_lines
)

select * from final
