-- Pays a premium for the first reseller order of each account, under the plans that have the variable NewAccountPremium: the
-- sample company's own reward.
-- Grain: one row per reward. Rule: docs/extending.md
with

credits as (
  select * from {{ ref('int_crediting__credits') }}
),

opportunities as (
  select * from {{ ref('stg_crm__opportunities') }}
),

plan_variables as (
  select * from {{ ref('int_parameters__plan_variables') }}
  where variable_name = 'NewAccountPremium'
),

ranked as (
  select
    credits.*,
    opportunities."AccountId" as account_id,
    row_number() over (
      partition by credits.plan_id, opportunities."AccountId"
      order by credits.credit_date, credits.transaction_id, credits.credit_id
    ) as order_number
  from credits
  inner join opportunities on credits.transaction_id = opportunities.transaction_id
  where
    credits.credited_amount > 0
    and opportunities."AccountId" is not null
),

final as (
  select
    ranked.plan_id::varchar as plan_id,
    ranked.payee_id::varchar as payee_id,
    ('new_account|' || ranked.account_id)::varchar as reward_id,
    ranked.transaction_id::varchar as transaction_id,
    ranked.credit_date::date as reward_date,
    plan_variables.value::decimal(28, 10) as reward_amount
  from ranked
  inner join plan_variables
    on
      ranked.plan_id = plan_variables.plan_id
      and {{ in_force('ranked.credit_date', 'plan_variables') }}
  where ranked.order_number = 1
)

select * from final
