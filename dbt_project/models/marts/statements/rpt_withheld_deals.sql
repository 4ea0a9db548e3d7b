-- Shows of each commission that waits for the customer what its booking established, what is earned, what has expired and
-- what is still withheld, and when the rest expires.
-- Grain: one row per reward and beneficiary.
with

movements as (
  select * from {{ ref('fct_withheld_movements') }}
),

payout_terms as (
  select * from {{ ref('int_parameters__payout_terms') }}
),

added_up as (
  select
    commission_key,
    plan_id,
    payee_id,
    reward_id,
    credit_id,
    transaction_id,
    currency_code,
    min(case when movement_code = 'estimated' then movement_date end) as booked_date,
    max(case when movement_code in ('estimated', 'earned') then movement_date end) as last_event_date,
    sum(case when movement_code = 'estimated' then movement_amount else 0 end) as estimated_amount,
    -sum(case when movement_code = 'earned' then movement_amount else 0 end) as earned_amount,
    -sum(case when movement_code in ('expired', 'revived', 'forfeited') then movement_amount else 0 end) as expired_amount,
    sum(movement_amount) as withheld_amount
  from movements
  group by commission_key, plan_id, payee_id, reward_id, credit_id, transaction_id, currency_code
),

final as (
  select
    added_up.commission_key::varchar as commission_key,
    added_up.plan_id::varchar as plan_id,
    added_up.payee_id::varchar as payee_id,
    added_up.reward_id::varchar as reward_id,
    added_up.credit_id::varchar as credit_id,
    added_up.transaction_id::varchar as transaction_id,
    added_up.booked_date::date as booked_date,
    added_up.last_event_date::date as last_event_date,
    (
      case
        when added_up.withheld_amount <> 0
          then {{ add_days('added_up.last_event_date', 'payout_terms.expire_after_days') }}
      end
    )::date as expires_date,
    added_up.currency_code::varchar as currency_code,
    added_up.estimated_amount::decimal(18, 4) as estimated_amount,
    added_up.earned_amount::decimal(18, 4) as earned_amount,
    added_up.expired_amount::decimal(18, 4) as expired_amount,
    added_up.withheld_amount::decimal(18, 4) as withheld_amount,
    (
      case
        when added_up.withheld_amount <> 0 then 'withheld'
        when added_up.expired_amount <> 0 then 'expired'
        else 'settled'
      end
    )::varchar as state_code
  from added_up
  inner join payout_terms
    on
      added_up.plan_id = payout_terms.plan_id
      and {{ in_force('added_up.booked_date', 'payout_terms') }}
)

select * from final
