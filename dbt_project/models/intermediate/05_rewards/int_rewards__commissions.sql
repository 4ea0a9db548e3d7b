-- Says who is paid each reward: the credited payee, their manager on the reward's day, or the members of the team by
-- weight (shares are differences of rounded parts, in payee order, so that they add up). A reward without anybody to
-- be paid stays out and is listed (int_rewards__unpaid).
-- Grain: one row per reward and beneficiary. Rule: docs/rules/rewards.md
with

rewards as (
  select
    rounded.*,
    plan_versions.beneficiary_code
  from {{ ref('int_rewards__rounded') }} as rounded
  inner join {{ ref('plans') }} as plan_versions
    on
      rounded.plan_id = plan_versions.plan_id
      and rounded.plan_valid_from = plan_versions.valid_from
),

managers as (
  select * from {{ ref('int_parameters__managers') }}
  where manager_id is not null
),

memberships as (
  select * from {{ ref('int_parameters__team_memberships') }}
),

team_members as (
  select
    memberships.payee_id as credited_id,
    teammates.payee_id,
    max(teammates.share_weight) as share_weight,
    rewards.reward_id
  from rewards
  inner join memberships
    on
      rewards.payee_id = memberships.payee_id
      and {{ in_force('rewards.reward_date', 'memberships') }}
  inner join memberships as teammates
    on
      memberships.team_id = teammates.team_id
      and {{ in_force('rewards.reward_date', 'teammates') }}
  where rewards.beneficiary_code = 'team'
  group by memberships.payee_id, teammates.payee_id, rewards.reward_id
  union all
  select
    memberships.team_id as credited_id,
    memberships.payee_id,
    memberships.share_weight,
    rewards.reward_id
  from rewards
  inner join memberships
    on
      rewards.payee_id = memberships.team_id
      and {{ in_force('rewards.reward_date', 'memberships') }}
  where rewards.beneficiary_code = 'team'
),

weighed as (
  select
    *,
    sum(share_weight) over (partition by reward_id) as weight_total,
    sum(share_weight) over (
      partition by reward_id
      order by payee_id
      rows between unbounded preceding and current row
    ) as weight_after
  from team_members
),

paid as (
  select
    rewards.reward_id,
    managers.manager_id as beneficiary_id,
    rewards.commission_amount as paid_amount
  from rewards
  inner join managers
    on
      rewards.payee_id = managers.payee_id
      and {{ in_force('rewards.reward_date', 'managers') }}
  where rewards.beneficiary_code = 'manager'
  union all
  select
    rewards.reward_id,
    weighed.payee_id as beneficiary_id,
    {{ round_money(ratio(
      'cast(rewards.commission_amount as decimal(38, 4)) * cast(weighed.weight_after as decimal(18, 10))',
      'cast(weighed.weight_total as decimal(18, 10))', 14, 10, 6
    ), 'rewards.minor_unit') }}
    - {{ round_money(ratio(
      'cast(rewards.commission_amount as decimal(38, 4)) * cast(weighed.weight_after - weighed.share_weight as decimal(18, 10))',
      'cast(weighed.weight_total as decimal(18, 10))', 14, 10, 6
    ), 'rewards.minor_unit') }} as paid_amount
  from rewards
  inner join weighed on rewards.reward_id = weighed.reward_id
),

beneficiaries as (
  select
    *,
    payee_id as beneficiary_id,
    commission_amount as paid_amount
  from rewards
  where beneficiary_code = 'payee'
  union all
  select
    rewards.*,
    paid.beneficiary_id,
    paid.paid_amount
  from rewards
  inner join paid on rewards.reward_id = paid.reward_id
),

final as (
  select
    (reward_id || '|' || beneficiary_id)::varchar as commission_key,
    reward_id::varchar as reward_id,
    reward_kind_code::varchar as reward_kind_code,
    credit_id::varchar as credit_id,
    window_key::varchar as window_key,
    transaction_id::varchar as transaction_id,
    plan_id::varchar as plan_id,
    plan_valid_from::date as plan_valid_from,
    payee_id::varchar as credited_payee_id,
    beneficiary_id::varchar as payee_id,
    reward_date::date as reward_date,
    currency_code::varchar as currency_code,
    paid_amount::decimal(18, 4) as commission_amount
  from beneficiaries
)

select * from final
