-- Lists every refund, credit memo, cancellation and non-payment of a deal that was paid on booking, with what the
-- policy made of it for each payee, even where that is zero.
-- Grain: one row per reward, beneficiary and change of the deal's loss. Rule: docs/rules/payouts.md
with

clawbacks as (
  select * from {{ ref('int_ledger__clawbacks') }}
),

reason_codes as (
  select * from {{ ref('reason_codes') }}
),

final as (
  select
    clawbacks.line_key::varchar as line_key,
    clawbacks.plan_id::varchar as plan_id,
    clawbacks.payee_id::varchar as payee_id,
    clawbacks.credit_id::varchar as credit_id,
    clawbacks.transaction_id::varchar as transaction_id,
    clawbacks.policy_code::varchar as policy_code,
    clawbacks.cause_code::varchar as cause_code,
    clawbacks.payment_id::varchar as payment_id,
    clawbacks.event_date::date as event_date,
    clawbacks.elapsed_days::integer as elapsed_days,
    clawbacks.lost_before_amount::decimal(28, 10) as lost_before_amount,
    clawbacks.lost_after_amount::decimal(28, 10) as lost_after_amount,
    clawbacks.weight_numerator::integer as weight_numerator,
    clawbacks.weight_denominator::integer as weight_denominator,
    clawbacks.currency_code::varchar as currency_code,
    clawbacks.commission_amount::decimal(18, 4) as commission_amount,
    clawbacks.clawback_amount::decimal(18, 4) as clawback_amount,
    clawbacks.effect_code::varchar as effect_code,
    reason_codes.description::varchar as effect_description
  from clawbacks
  inner join reason_codes on clawbacks.effect_code = reason_codes.reason_code
)

select * from final
