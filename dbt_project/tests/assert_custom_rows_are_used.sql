-- A row of an extension model names a plan, payee, transaction or day that the plans do not know, so that it would have
-- no effect. Fix: correct the model in dbt_project/models/own, or assign the payee to the plan on that day.
with

custom_rewards as (
  select * from {{ ref('custom_rewards') }}
),

custom_attainment as (
  select * from {{ ref('custom_attainment') }}
),

assignments as (
  select * from {{ ref('plan_assignments') }}
),

moves as (
  select * from {{ ref('int_attainment__moves') }}
),

commissions as (
  select * from {{ ref('int_rewards__rounded') }}
)

select
  'custom_rewards' as model_name,
  custom_rewards.reward_id as row_id
from custom_rewards
left join assignments
  on
    custom_rewards.plan_id = assignments.plan_id
    and custom_rewards.payee_id = assignments.payee_id
    and {{ in_force('custom_rewards.reward_date', 'assignments') }}
left join commissions
  on
    'custom|' || custom_rewards.plan_id || '|' || custom_rewards.payee_id || '|' || custom_rewards.reward_id
    = commissions.reward_id
where
  custom_rewards.reward_date <= {{ as_of_date() }}
  and (assignments.plan_id is null or commissions.reward_id is null)
union all
select
  'custom_attainment' as model_name,
  custom_attainment.attainment_id as row_id
from custom_attainment
left join moves on moves.move_id like '%|custom|' || custom_attainment.attainment_id
where
  custom_attainment.attained_date <= {{ as_of_date() }}
  and moves.move_id is null
