-- Lists the credits that a statement shows: those of the month, once its credits are released. What a credit establishes is
-- shown once the rewards are released too.
-- Grain: one row per credit of a released month. Rule: docs/statements.md
with

credits as (
  select
    *,
    {{ month_code('credit_date') }} as period_code
  from {{ ref('fct_credits') }}
),

payees as (
  select * from {{ ref('dim_payees') }}
  where payee_kind_code = 'person'
),

released_months as (
  select * from {{ ref('rpt_released_months') }}
  where is_credits_released
),

transactions as (
  select * from {{ ref('dim_transactions') }}
),

final as (
  select
    credits.credit_id::varchar as credit_id,
    concat_ws('|', credits.payee_id, credits.plan_id, credits.period_code, credits.currency_code)::varchar
      as statement_key,
    credits.payee_id::varchar as payee_id,
    credits.plan_id::varchar as plan_id,
    credits.period_code::varchar as period_code,
    credits.currency_code::varchar as currency_code,
    credits.credit_date::date as credit_date,
    credits.credit_type_code::varchar as credit_type_code,
    credits.rule_id::varchar as rule_id,
    credits.level_number::integer as level_number,
    credits.window_code::varchar as window_code,
    credits.transaction_id::varchar as transaction_id,
    transactions.source_record_id::varchar as source_record_id,
    credits.credited_amount::decimal(28, 10) as credited_amount,
    (case when released_months.is_rewards_released then credits.commission_amount end)::decimal(18, 4) as commission_amount
  from credits
  inner join payees on credits.payee_id = payees.payee_id
  inner join released_months
    on
      credits.plan_id = released_months.plan_id
      and credits.period_code = released_months.period_code
  left join transactions on credits.transaction_id = transactions.transaction_id
)

select * from final
