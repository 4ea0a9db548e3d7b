-- Values each eligible transaction in the plan's currency: the whole, or the part of it that a payment brings or that a loss
-- leaves, or says why it has no value.
-- Grain: one row per eligible transaction and plan. Rule: docs/rules/valuation.md
with

whole_values as (
  select * from {{ ref('int_valuation__whole_values') }}
),

event_shares as (
  select * from {{ ref('int_valuation__event_shares') }}
),

recalculated_deals as (
  select
    plan_id,
    transaction_id,
    kept_amount,
    whole_amount
  from {{ ref('int_valuation__losses') }}
  where
    policy_code = 'recalculate'
    and is_latest
),

value_shares as (
  select
    whole_values.*,
    coalesce(event_shares.counted_before_amount, 0) as share_before,
    coalesce(event_shares.counted_after_amount, recalculated_deals.kept_amount) as share_after,
    coalesce(event_shares.deal_amount, recalculated_deals.whole_amount) as share_of
  from whole_values
  left join event_shares
    on
      whole_values.plan_id = event_shares.plan_id
      and whole_values.transaction_id = event_shares.transaction_id
  left join recalculated_deals
    on
      whole_values.plan_id = recalculated_deals.plan_id
      and whole_values.transaction_id = recalculated_deals.transaction_id
),

parted_values as (
  select
    *,
    (case
      when share_of is null then whole_value_amount
      else
        {{ share_of_event('whole_value_amount', 'share_after', 'share_of') }}
        - {{ share_of_event('whole_value_amount', 'share_before', 'share_of') }}
    end)::decimal(28, 10) as value_amount,
    (case
      when share_of is null then whole_payable_amount
      else
        {{ share_of_event('whole_payable_amount', 'share_after', 'share_of') }}
        - {{ share_of_event('whole_payable_amount', 'share_before', 'share_of') }}
    end)::decimal(28, 10) as payable_amount
  from value_shares
),

final as (
  select
    (transaction_id || '|' || plan_id)::varchar as value_key,
    transaction_id::varchar as transaction_id,
    deal_transaction_id::varchar as deal_transaction_id,
    version_code::varchar as version_code,
    plan_id::varchar as plan_id,
    plan_valid_from::date as plan_valid_from,
    credit_date::date as credit_date,
    source_system::varchar as source_system,
    owner_alias::varchar as owner_alias,
    owner_payee_id::varchar as owner_payee_id,
    territory_id::varchar as territory_id,
    calendar_id::varchar as calendar_id,
    rate_dimension_1::varchar as rate_dimension_1,
    rate_dimension_2::varchar as rate_dimension_2,
    rate_dimension_3::varchar as rate_dimension_3,
    transaction_currency_code::varchar as transaction_currency_code,
    transaction_amount::decimal(28, 10) as transaction_amount,
    native_value_amount::decimal(28, 10) as native_value_amount,
    native_payable_amount::decimal(28, 10) as native_payable_amount,
    currency_code::varchar as currency_code,
    fx_rate::decimal(28, 10) as fx_rate,
    fx_rate_date::date as fx_rate_date,
    value_amount::decimal(28, 10) as value_amount,
    payable_amount::decimal(28, 10) as payable_amount,
    weight::decimal(28, 10) as weight,
    reason_code::varchar as reason_code
  from parted_values
)

select * from final
