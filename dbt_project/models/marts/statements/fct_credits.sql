-- Shows each credit with what its booking established, what has become due, and what is still withheld.
-- Grain: one row a credit.
with

commissions as (
  select * from {{ ref('int_rewards__commissions') }}
),

earned as (
  select
    credit_id,
    sum(line_amount) as earned_amount
  from {{ ref('int_ledger__lines') }}
  group by credit_id
),

final as (
  select
    commissions.credit_id::varchar as credit_id,
    commissions.transaction_id::varchar as transaction_id,
    commissions.plan_id::varchar as plan_id,
    commissions.payee_id::varchar as payee_id,
    commissions.credit_type_code::varchar as credit_type_code,
    commissions.level_number::integer as level_number,
    commissions.credit_date::date as credit_date,
    commissions.window_code::varchar as window_code,
    commissions.currency_code::varchar as currency_code,
    commissions.credited_amount::decimal(28, 10) as credited_amount,
    commissions.cumulative_before_amount::decimal(28, 10) as cumulative_before_amount,
    commissions.cumulative_after_amount::decimal(28, 10) as cumulative_after_amount,
    commissions.commission_amount::decimal(18, 4) as commission_amount,
    coalesce(earned.earned_amount, 0)::decimal(18, 4) as earned_amount,
    (commissions.commission_amount - coalesce(earned.earned_amount, 0))::decimal(18, 4) as withheld_amount
  from commissions
  left join earned on commissions.credit_id = earned.credit_id
)

select * from final
