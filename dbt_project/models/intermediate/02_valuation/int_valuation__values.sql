-- Values each eligible transaction in the plan's currency, at the rate snapshotted on its booking date, or says
-- why it has no value.
-- Grain: one row per eligible transaction and plan. Rule: docs/rules/valuation.md
with

verdicts as (
  select * from {{ ref('int_filtering__eligible') }}
  where verdict_code = 'eligible'
),

transactions as (
  select * from {{ ref('int_pool__transactions') }}
),

plan_versions as (
  select * from {{ ref('plans') }}
),

native_values as (
  select * from {{ ref('int_valuation__native_values') }}
),

currencies as (
  select * from {{ ref('currencies') }}
),

booking_rates as (
  select * from {{ ref('int_valuation__booking_rates') }}
),

event_shares as (
  select * from {{ ref('int_valuation__event_shares') }}
),

recalculated as (
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

shares as (
  select
    native_values.*,
    coalesce(event_shares.counted_before_amount, 0) as share_before,
    coalesce(event_shares.counted_after_amount, recalculated.kept_amount) as share_after,
    coalesce(event_shares.deal_amount, recalculated.whole_amount) as share_of
  from native_values
  left join event_shares
    on
      native_values.plan_id = event_shares.plan_id
      and native_values.transaction_id = event_shares.transaction_id
  left join recalculated
    on
      native_values.plan_id = recalculated.plan_id
      and native_values.transaction_id = recalculated.transaction_id
),

priced as (
  select
    verdicts.transaction_id,
    verdicts.plan_id,
    verdicts.plan_valid_from,
    verdicts.booked_date as credit_date,
    verdicts.owner_alias,
    verdicts.owner_payee_id,
    transactions.source_system,
    transactions.territory_id,
    transactions.currency_code as transaction_currency_code,
    transactions.deal_transaction_id,
    transactions.deal_amount as transaction_amount,
    shares.native_value_amount,
    shares.native_payable_amount,
    shares.share_before,
    shares.share_after,
    shares.share_of,
    shares.weight,
    shares.rate_dimension_1,
    shares.rate_dimension_2,
    shares.rate_dimension_3,
    shares.is_variable_missing,
    shares.is_catalogue_value_missing,
    plan_versions.currency_code,
    plan_versions.calendar_id,
    currencies.currency_code is not null as is_known_currency,
    plan_versions.value_currency_code = 'plan' as is_in_plan_currency,
    coalesce(transactions.currency_code = plan_versions.currency_code, false) as is_same_currency,
    from_rates.units_per_base as units_from,
    to_rates.units_per_base as units_to,
    least(from_rates.rate_date, to_rates.rate_date) as fx_rate_date
  from verdicts
  inner join transactions on verdicts.transaction_id = transactions.transaction_id
  inner join plan_versions
    on
      verdicts.plan_id = plan_versions.plan_id
      and verdicts.plan_valid_from = plan_versions.valid_from
  inner join shares
    on
      verdicts.transaction_id = shares.transaction_id
      and verdicts.plan_id = shares.plan_id
      and verdicts.plan_valid_from = shares.plan_valid_from
  left join currencies on transactions.currency_code = currencies.currency_code
  left join booking_rates as from_rates
    on
      transactions.currency_code = from_rates.currency_code
      and transactions.deal_booked_date = from_rates.booked_date
  left join booking_rates as to_rates
    on
      plan_versions.currency_code = to_rates.currency_code
      and transactions.deal_booked_date = to_rates.booked_date
),

valued as (
  select
    *,
    case
      when is_variable_missing then 'missing_value_variable'
      when is_catalogue_value_missing then 'missing_catalogue_value'
      when native_value_amount is null or native_payable_amount is null or weight is null then 'missing_amount'
      when is_in_plan_currency then null
      when transaction_currency_code is null then 'missing_currency'
      when not is_known_currency then 'unknown_currency'
      when is_same_currency then null
      when units_from is null or units_to is null then 'missing_fx_rate'
    end as reason_code,
    is_in_plan_currency or is_same_currency as is_unconverted
  from priced
),

converted as (
  select
    *,
    (
      case
        when reason_code is not null then null
        when is_unconverted then native_value_amount
        else {{ ratio_of_product('native_value_amount', 'units_to', 'units_from') }}
      end
    )::decimal(28, 10) as whole_value_amount,
    (
      case
        when reason_code is not null then null
        when native_payable_amount = native_value_amount or is_unconverted then native_payable_amount
        else {{ ratio_of_product('native_payable_amount', 'units_to', 'units_from') }}
      end
    )::decimal(28, 10) as converted_payable_amount
  from valued
),

payable as (
  select
    *,
    case when native_payable_amount = native_value_amount then whole_value_amount else converted_payable_amount end
      as whole_payable_amount
  from converted
),

parted as (
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
  from payable
),

final as (
  select
    (transaction_id || '|' || plan_id)::varchar as value_key,
    transaction_id::varchar as transaction_id,
    deal_transaction_id::varchar as deal_transaction_id,
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
    (
      case when reason_code is null and not is_unconverted then {{ ratio('units_to', 'units_from') }} end
    )::decimal(28, 10) as fx_rate,
    (case when reason_code is null and not is_unconverted then fx_rate_date end)::date as fx_rate_date,
    value_amount::decimal(28, 10) as value_amount,
    payable_amount::decimal(28, 10) as payable_amount,
    weight::decimal(28, 10) as weight,
    reason_code::varchar as reason_code
  from parted
)

select * from final
