-- Finds the one recipient of rules that point at the owner, a payee or a team: theirs is the rule's share.
-- Grain: one row per transaction, plan and rule group that points at an owner, payee or team. Rule: docs/rules/crediting.md
with

matches as (
  select
    rule_matches.*,
    valued.credit_date,
    valued.source_system,
    valued.owner_alias,
    valued.owner_payee_id
  from {{ ref('int_crediting__rule_matches') }} as rule_matches
  inner join {{ ref('int_valuation__values') }} as valued
    on
      rule_matches.plan_id = valued.plan_id
      and rule_matches.transaction_id = valued.transaction_id
  where
    rule_matches.recipient_code in ('owner', 'payee', 'team')
    and not rule_matches.is_variable_missing
),

payees as (
  select * from {{ ref('int_parameters__payees') }}
),

owners as (
  select * from {{ ref('int_parameters__owners') }}
),

named_matches as (
  select
    matches.*,
    case
      when matches.recipient_code = 'owner' then matches.owner_payee_id
      else coalesce(payees.payee_id, owners.payee_id)
    end as payee_id
  from matches
  left join payees
    on
      matches.recipient_code <> 'owner'
      and matches.recipient_alias = payees.payee_id
      and (matches.recipient_code = 'payee' or payees.payee_kind_code = 'team')
  left join owners
    on
      matches.recipient_code = 'payee'
      and matches.source_system = owners.source_system
      and matches.recipient_alias = owners.alias
      and {{ in_force('matches.credit_date', 'owners') }}
),

recipients as (
  select
    *,
    coalesce(payee_id, recipient_alias, owner_alias, '') as recipient,
    0 as share_before,
    share as share_after,
    1 as share_of,
    1 as share_factor,
    case
      when payee_id is not null then null
      when recipient_code <> 'owner' then 'recipient_not_in_hris'
      when owner_alias is null then 'missing_owner'
      else 'owner_not_in_hris'
    end as reason_code
  from named_matches
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
