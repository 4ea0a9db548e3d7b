-- Shares the rule's part equally among the members of the deal's territory on the credit date who are on the plan.
-- Grain: one row per transaction, plan, rule group that points at the territory, and member. Rule: docs/rules/crediting.md
with

matches as (
  select
    rule_matches.*,
    valued.credit_date,
    valued.territory_id
  from {{ ref('int_crediting__rule_matches') }} as rule_matches
  inner join {{ ref('int_valuation__values') }} as valued
    on
      rule_matches.plan_id = valued.plan_id
      and rule_matches.transaction_id = valued.transaction_id
  where
    rule_matches.recipient_code = 'territory'
    and not rule_matches.is_variable_missing
),

memberships as (
  select * from {{ ref('int_parameters__team_memberships') }}
),

assignments as (
  select * from {{ ref('plan_assignments') }}
),

members as (
  select
    matches.*,
    memberships.payee_id,
    assignments.payee_id is not null as is_on_plan,
    case
      when assignments.payee_id is not null
        then row_number() over (
          partition by matches.plan_id, matches.transaction_id, matches.rule_group, assignments.payee_id is not null
          order by memberships.payee_id
        )
    end as share_position,
    count(assignments.payee_id) over (partition by matches.plan_id, matches.transaction_id, matches.rule_group)
      as share_count
  from matches
  left join memberships
    on
      matches.territory_id = memberships.team_id
      and {{ in_force('matches.credit_date', 'memberships') }}
  left join assignments
    on
      matches.plan_id = assignments.plan_id
      and memberships.payee_id = assignments.payee_id
      and {{ in_force('matches.credit_date', 'assignments') }}
),

recipients as (
  select
    *,
    coalesce(payee_id, territory_id, '') as recipient,
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
