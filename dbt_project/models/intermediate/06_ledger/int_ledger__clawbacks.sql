-- Says what each change of a deal's loss takes back of each commission that was paid on booking, by the plan's policy; a
-- line's amount is what is taken to date with the change less what is taken without it, so that parts add up to the cent.
-- Grain: one row per reward, beneficiary and change of the deal's loss. Rule: docs/rules/payouts.md
with

losses as (
  select * from {{ ref('int_valuation__losses') }}
),

commissions as (
  select * from {{ ref('int_rewards__commissions') }}
  where reward_kind_code = 'credit'
),

rewards as (
  select * from {{ ref('int_rewards__rounded') }}
),

unfloored as (
  select * from {{ ref('int_rewards__multiplied') }}
),

payout_terms as (
  select * from {{ ref('int_parameters__payout_terms') }}
),

currencies as (
  select * from {{ ref('currencies') }}
),

based as (
  select
    losses.*,
    commissions.commission_key,
    commissions.reward_id,
    commissions.credit_id,
    commissions.credited_payee_id,
    commissions.payee_id,
    commissions.reward_date,
    commissions.currency_code,
    currencies.minor_unit,
    commissions.commission_amount,
    round(cast(unfloored.reward_amount as decimal(38, 10)), 10) as unfloored_amount,
    round(cast(rewards.unrounded_amount as decimal(38, 10)), 10) as reward_amount,
    payout_terms.clawback_base_code
  from losses
  inner join commissions
    on
      losses.plan_id = commissions.plan_id
      and losses.transaction_id = commissions.transaction_id
  inner join rewards on commissions.reward_id = rewards.reward_id
  inner join payout_terms
    on
      commissions.plan_id = payout_terms.plan_id
      and {{ in_force('commissions.reward_date', 'payout_terms') }}
  inner join currencies on commissions.currency_code = currencies.currency_code
  left join unfloored on commissions.reward_id = unfloored.reward_id
),

measured as (
  select
    *,
    (case
      when clawback_base_code = 'paid' or unfloored_amount is null or reward_amount = 0 then commission_amount
      when unfloored_amount * sign(reward_amount) >= abs(reward_amount) then commission_amount
      when unfloored_amount * sign(reward_amount) <= 0 then 0
      else {{ ratio_of_product('commission_amount', 'unfloored_amount', 'reward_amount', 4, 10, 10, 6) }}
    end)::decimal(28, 10) as base_amount
  from based
),

judged as (
  select
    *,
    {{ ratio_of_product('base_amount', 'taken_before_amount', 'whole_amount', 6, 10, 10, 6) }} as taken_back_before_amount,
    {{ ratio_of_product('base_amount', 'taken_after_amount', 'whole_amount', 6, 10, 10, 6) }} as taken_back_after_amount,
    case
      when policy_code = 'none' then 'policy_takes_nothing'
      when taken_before_amount = taken_after_amount then 'after_clawback_window'
      when policy_code = 'recalculate' then 'deal_recalculated'
      when policy_code = 'next_period_attainment' then 'attainment_reduced'
      when taken_after_amount < taken_before_amount then 'given_back'
      else 'taken_back'
    end as effect_code
  from measured
),

rounded as (
  select
    *,
    {{ round_money('taken_back_before_amount', 'minor_unit', 10) }} as rounded_before_amount,
    {{ round_money('taken_back_after_amount', 'minor_unit', 10) }} as rounded_after_amount
  from judged
),

final as (
  select
    (commission_key || '|clawback|' || event_id)::varchar as line_key,
    commission_key::varchar as commission_key,
    reward_id::varchar as reward_id,
    credit_id::varchar as credit_id,
    transaction_id::varchar as transaction_id,
    plan_id::varchar as plan_id,
    plan_valid_from::date as plan_valid_from,
    credited_payee_id::varchar as credited_payee_id,
    payee_id::varchar as payee_id,
    policy_code::varchar as policy_code,
    cause_code::varchar as cause_code,
    payment_id::varchar as payment_id,
    event_date::date as event_date,
    event_order::integer as event_order,
    elapsed_days::integer as elapsed_days,
    lost_before_amount::decimal(28, 10) as lost_before_amount,
    lost_after_amount::decimal(28, 10) as lost_after_amount,
    weight_numerator::integer as weight_numerator,
    weight_denominator::integer as weight_denominator,
    currency_code::varchar as currency_code,
    commission_amount::decimal(18, 4) as commission_amount,
    base_amount::decimal(28, 10) as base_amount,
    effect_code::varchar as effect_code,
    (case when policy_code = 'original_rate' then rounded_before_amount - rounded_after_amount else 0 end)::decimal(18, 4)
      as clawback_amount
  from rounded
)

select * from final
