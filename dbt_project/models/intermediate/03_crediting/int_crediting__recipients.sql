-- Names everybody at whom the taken rules point, with the stretch of the value that is theirs, or why there is nobody.
-- Owner, payee and team: the rule's share. Splits: theirs in the CRM. Territory: its members on the plan, equally.
-- Grain: one row per transaction, plan, rule group and recipient. Rule: docs/rules/crediting.md
with

matches as (
  select
    rule_matches.*,
    valued.plan_valid_from,
    valued.credit_date,
    valued.source_system,
    valued.owner_alias,
    valued.owner_payee_id,
    valued.territory_id
  from {{ ref('int_crediting__rule_matches') }} as rule_matches
  inner join {{ ref('int_valuation__values') }} as valued
    on
      rule_matches.plan_id = valued.plan_id
      and rule_matches.transaction_id = valued.transaction_id
),

split_shares as (
  select * from {{ ref('int_crediting__split_shares') }}
),

payees as (
  select * from {{ ref('int_parameters__payees') }}
),

owners as (
  select * from {{ ref('int_parameters__owners') }}
),

memberships as (
  select * from {{ ref('int_parameters__team_memberships') }}
),

assignments as (
  select * from {{ ref('plan_assignments') }}
),

custom_crediting as (
  select * from {{ ref('custom_crediting') }}
),

unusable as (
  select
    *,
    cast(null as varchar) as payee_id,
    rule_group || ':' || rule_id as recipient,
    'missing_share_variable' as reason_code
  from matches
  where is_variable_missing
),

usable as (
  select * from matches
  where not is_variable_missing
),

single as (
  select
    usable.*,
    case
      when usable.recipient_code = 'owner' then usable.owner_payee_id
      else coalesce(payees.payee_id, owners.payee_id)
    end as payee_id
  from usable
  left join payees
    on
      usable.recipient_code <> 'owner'
      and usable.recipient_alias = payees.payee_id
      and (usable.recipient_code = 'payee' or payees.payee_kind_code = 'team')
  left join owners
    on
      usable.recipient_code = 'payee'
      and usable.source_system = owners.source_system
      and usable.recipient_alias = owners.alias
      and {{ in_force('usable.credit_date', 'owners') }}
  where usable.recipient_code in ('owner', 'payee', 'team')
),

members as (
  select
    usable.*,
    memberships.payee_id,
    assignments.payee_id is not null as is_on_plan,
    case
      when assignments.payee_id is not null
        then row_number() over (
          partition by usable.plan_id, usable.transaction_id, usable.rule_group, assignments.payee_id is not null
          order by memberships.payee_id
        )
    end as share_position,
    count(assignments.payee_id) over (partition by usable.plan_id, usable.transaction_id, usable.rule_group)
      as share_count
  from usable
  left join memberships
    on
      usable.territory_id = memberships.team_id
      and {{ in_force('usable.credit_date', 'memberships') }}
  left join assignments
    on
      usable.plan_id = assignments.plan_id
      and memberships.payee_id = assignments.payee_id
      and {{ in_force('usable.credit_date', 'assignments') }}
  where usable.recipient_code = 'territory'
),

united as (
  select
    plan_id,
    transaction_id,
    rule_group,
    rule_id,
    credit_type_code,
    recipient,
    payee_id,
    0 as share_before,
    0 as share_after,
    1 as share_of,
    0 as share_factor,
    reason_code
  from unusable
  union all
  select
    plan_id,
    transaction_id,
    rule_group,
    rule_id,
    credit_type_code,
    coalesce(payee_id, recipient_alias, owner_alias, '') as recipient,
    payee_id,
    0 as share_before,
    cast(share as decimal(28, 10)) as share_after,
    1 as share_of,
    1 as share_factor,
    case
      when payee_id is not null then null
      when recipient_code <> 'owner' then 'recipient_not_in_hris'
      when owner_alias is null then 'missing_owner'
      else 'owner_not_in_hris'
    end as reason_code
  from single
  union all
  select
    usable.plan_id,
    usable.transaction_id,
    usable.rule_group,
    usable.rule_id,
    usable.credit_type_code,
    split_shares.recipient,
    split_shares.payee_id,
    case when split_shares.is_allowed then split_shares.share_before else 0 end as share_before,
    case when split_shares.is_allowed then split_shares.share_after else 0 end as share_after,
    case when split_shares.is_allowed then split_shares.share_of else 1 end as share_of,
    1 as share_factor,
    case
      when not split_shares.is_allowed then 'split_sum_differs'
      when split_shares.payee_id is null then 'split_owner_not_in_hris'
    end as reason_code
  from usable
  inner join split_shares
    on
      usable.plan_id = split_shares.plan_id
      and usable.transaction_id = split_shares.transaction_id
      and usable.rule_group = split_shares.rule_group
  union all
  select
    plan_id,
    transaction_id,
    rule_group,
    rule_id,
    credit_type_code,
    coalesce(payee_id, territory_id, '') as recipient,
    payee_id,
    case when is_on_plan then share_position - 1 else 0 end as share_before,
    case when is_on_plan then share_position else 0 end as share_after,
    case when is_on_plan then share_count else 1 end as share_of,
    share as share_factor,
    case
      when territory_id is null then 'missing_territory'
      when payee_id is null then 'no_territory_member'
      when not is_on_plan then 'no_plan_assignment'
    end as reason_code
  from members
  union all
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
  inner join {{ ref('int_valuation__values') }} as valued
    on
      custom_crediting.plan_id = valued.plan_id
      and custom_crediting.transaction_id = valued.transaction_id
      and valued.reason_code is null
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
  from united
)

select * from final
