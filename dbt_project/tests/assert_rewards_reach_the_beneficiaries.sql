-- Invariant 3: what the beneficiaries of a reward are paid adds up to the reward; a reward that nobody is paid is listed.
with

rewards as (
  select * from {{ ref('int_rewards__rounded') }}
),

paid as (
  select
    reward_id,
    sum(commission_amount) as commission_amount
  from {{ ref('int_rewards__commissions') }}
  group by reward_id
),

unpaid as (
  select unpaid_key
  from {{ ref('int_rewards__unpaid') }}
)

select
  rewards.reward_id,
  rewards.commission_amount,
  paid.commission_amount as paid_amount
from rewards
left join paid on rewards.reward_id = paid.reward_id
left join unpaid on 'reward|' || rewards.reward_id = unpaid.unpaid_key
where
  (paid.reward_id is null and unpaid.unpaid_key is null)
  or paid.commission_amount <> rewards.commission_amount
