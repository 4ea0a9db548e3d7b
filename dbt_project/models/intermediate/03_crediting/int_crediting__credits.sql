-- Attributes each transaction's value to the candidates who are on the plan. Members of one territory share it
-- equally; each share is a difference of cumulative parts in payee order, so that they add up exactly.
-- Grain: one row a credit (transaction, plan, payee, credit type and level). Rule: docs/rules/crediting.md
with

candidates as (
  select * from {{ ref('int_crediting__candidates') }}
  where is_on_plan
),

windows as (
  select * from {{ ref('int_parameters__windows') }}
),

positioned as (
  select
    *,
    case
      when credit_type_code = 'territory'
        then row_number() over (partition by plan_id, transaction_id, credit_type_code order by payee_id)
      else 1
    end as share_position,
    case
      when credit_type_code = 'territory' then count(*) over (partition by plan_id, transaction_id, credit_type_code)
      else 1
    end as share_count,
    round(value_amount * level_factor, 10)::decimal(28, 10) as level_amount
  from candidates
),

shared as (
  select
    *,
    case
      when share_count = 1 then level_amount
      else
        {{ ratio('level_amount * share_position', 'share_count', 10, 0) }}
        - {{ ratio('level_amount * (share_position - 1)', 'share_count', 10, 0) }}
    end as credited_amount
  from positioned
),

final as (
  select
    shared.credit_id::varchar as credit_id,
    shared.transaction_id::varchar as transaction_id,
    shared.plan_id::varchar as plan_id,
    shared.plan_valid_from::date as plan_valid_from,
    shared.payee_id::varchar as payee_id,
    shared.credit_type_code::varchar as credit_type_code,
    shared.level_number::integer as level_number,
    shared.level_factor::decimal(18, 10) as level_factor,
    shared.share_position::integer as share_position,
    shared.share_count::integer as share_count,
    shared.credit_date::date as credit_date,
    shared.calendar_id::varchar as calendar_id,
    windows.window_code::varchar as window_code,
    windows.window_from::date as window_from,
    windows.window_to::date as window_to,
    shared.currency_code::varchar as currency_code,
    shared.credited_amount::decimal(28, 10) as credited_amount
  from shared
  inner join windows
    on
      shared.calendar_id = windows.calendar_id
      and {{ in_force('shared.credit_date', 'windows', 'window_from', 'window_to') }}
)

select * from final
