-- Values the whole of each eligible transaction in the plan's currency, at the rate snapshotted on its booking date, or says
-- why it has no value. For a payment that is credited by itself the whole is its deal.
-- Grain: one row per eligible transaction and plan. Rule: docs/rules/valuation.md
with

verdicts as (
  select * from {{ ref('int_filtering__eligible') }}
  where verdict_code = 'eligible'
),

transactions as (
  select * from {{ ref('int_pool__transaction_versions') }}
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

priced_values as (
  select
    verdicts.transaction_id,
    verdicts.version_code,
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
    native_values.native_value_amount,
    native_values.native_payable_amount,
    native_values.weight,
    native_values.rate_dimension_1,
    native_values.rate_dimension_2,
    native_values.rate_dimension_3,
    native_values.is_variable_missing,
    native_values.is_catalogue_value_missing,
    plan_versions.currency_code,
    plan_versions.calendar_id,
    currencies.currency_code is not null as is_known_currency,
    plan_versions.value_currency_code = 'plan' as is_in_plan_currency,
    coalesce(transactions.currency_code = plan_versions.currency_code, false) as is_same_currency,
    from_rates.units_per_base as units_from,
    to_rates.units_per_base as units_to,
    least(from_rates.rate_date, to_rates.rate_date) as fx_rate_date
  from verdicts
  inner join transactions
    on
      verdicts.transaction_id = transactions.transaction_id
      and verdicts.version_code = transactions.version_code
  inner join plan_versions
    on
      verdicts.plan_id = plan_versions.plan_id
      and verdicts.plan_valid_from = plan_versions.valid_from
  inner join native_values
    on
      verdicts.transaction_id = native_values.transaction_id
      and verdicts.plan_id = native_values.plan_id
      and verdicts.plan_valid_from = native_values.plan_valid_from
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

judged_values as (
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
  from priced_values
),

converted_values as (
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
  from judged_values
),

final as (
  select
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
    (
      case when reason_code is null and not is_unconverted then {{ ratio('units_to', 'units_from') }} end
    )::decimal(28, 10) as fx_rate,
    (case when reason_code is null and not is_unconverted then fx_rate_date end)::date as fx_rate_date,
    whole_value_amount::decimal(28, 10) as whole_value_amount,
    (
      case when native_payable_amount = native_value_amount then whole_value_amount else converted_payable_amount end
    )::decimal(28, 10) as whole_payable_amount,
    weight::decimal(28, 10) as weight,
    reason_code::varchar as reason_code
  from converted_values
)

select * from final
