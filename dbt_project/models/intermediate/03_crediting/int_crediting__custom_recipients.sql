-- Adds the recipients of custom_crediting to the deals that have a value, in a group of their own.
-- Grain: one row per transaction, plan and recipient of custom_crediting. Rule: docs/rules/crediting.md
with

custom_crediting as (
  select * from {{ ref('custom_crediting') }}
),

valued as (
  select * from {{ ref('int_valuation__values') }}
  where reason_code is null
),

payees as (
  select * from {{ ref('int_parameters__payees') }}
),

recipients as (
  select
    valued.plan_id,
    valued.transaction_id,
    'custom' as rule_group,
    'custom' as rule_id,
    'custom' as credit_type_code,
    custom_crediting.payee_id as recipient,
    payees.payee_id,
    0 as share_before,
    custom_crediting.share as share_after,
    1 as share_of,
    1 as share_factor,
    case when payees.payee_id is null then 'recipient_not_in_hris' end as reason_code
  from custom_crediting
  inner join valued
    on
      custom_crediting.plan_id = valued.plan_id
      and custom_crediting.transaction_id = valued.transaction_id
  left join payees on custom_crediting.payee_id = payees.payee_id
),

final as (
  select
    plan_id::varchar as plan_id,
    transaction_id::varchar as transaction_id,
    rule_group::varchar as rule_group,
    rule_id::varchar as rule_id,
    credit_type_code::varchar as credit_type_code,
    recipient::varchar as recipient,
    payee_id::varchar as payee_id,
    share_before::decimal(28, 10) as share_before,
    share_after::decimal(28, 10) as share_after,
    share_of::decimal(28, 10) as share_of,
    share_factor::decimal(28, 10) as share_factor,
    reason_code::varchar as reason_code
  from recipients
)

select * from final
