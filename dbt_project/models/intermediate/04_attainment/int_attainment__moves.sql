-- Places each credit, each row of custom_attainment and each deduction for a lost deal on the running total of its payee's
-- progress. The order is total: date, transaction, credit. A sum moves by the value, a count by one.
-- Grain: one row per credit, custom attainment or deduction. Rule: docs/rules/attainment.md
with

credits as (
  select * from {{ ref('int_crediting__credits') }}
),

custom_attainment as (
  select * from {{ ref('custom_attainment') }}
),

participants as (
  select * from {{ ref('int_attainment__participants') }}
),

plan_versions as (
  select * from {{ ref('plans') }}
),

valued as (
  select * from {{ ref('int_valuation__values') }}
),

custom_moves as (
  select
    participants.window_key || '|custom|' || custom_attainment.attainment_id as move_id,
    participants.window_key,
    participants.progress_key,
    custom_attainment.attained_date,
    custom_attainment.attainment_id,
    plan_versions.aggregate_code,
    custom_attainment.attained_amount
  from custom_attainment
  inner join plan_versions
    on
      custom_attainment.plan_id = plan_versions.plan_id
      and {{ in_force('custom_attainment.attained_date', 'plan_versions') }}
  inner join participants
    on
      plan_versions.plan_id = participants.plan_id
      and plan_versions.valid_from = participants.plan_valid_from
      and custom_attainment.payee_id = participants.payee_id
      and {{ in_force('custom_attainment.attained_date', 'participants', 'window_from', 'window_to') }}
  where
    custom_attainment.attained_date <= {{ as_of_date() }}
    and participants.calendar_id <> 'transaction'
),

deductions as (
  select * from {{ ref('int_attainment__deductions') }}
),

weighed as (
  select
    credits.credit_id,
    valued.weight
  from credits
  inner join valued
    on
      credits.plan_id = valued.plan_id
      and credits.transaction_id = valued.transaction_id
  where credits.aggregate_code = 'weighted_average'
),

moves as (
  select
    credits.credit_id as move_id,
    credits.credit_id,
    credits.window_key,
    credits.progress_key,
    credits.credit_date as move_date,
    credits.transaction_id as move_order,
    credits.credited_amount,
    credits.payable_amount,
    case
      when credits.aggregate_code = 'count' then cast(sign(credits.credited_amount) as decimal(28, 10))
      else credits.credited_amount
    end as move_amount,
    case
      when credits.aggregate_code = 'weighted_average' then weighed.weight
      else cast(1 as decimal(28, 10))
    end as weight,
    case
      when credits.aggregate_code = 'weighted_average'
        then cast(cast(credits.credited_amount as decimal(38, 10)) * weighed.weight as decimal(38, 20))
      else cast(credits.credited_amount as decimal(38, 20))
    end as weighed_amount
  from credits
  left join weighed on credits.credit_id = weighed.credit_id
  union all
  select
    move_id,
    null as credit_id,
    window_key,
    progress_key,
    attained_date as move_date,
    attainment_id as move_order,
    0 as credited_amount,
    0 as payable_amount,
    case
      when aggregate_code = 'count' then cast(sign(attained_amount) as decimal(28, 10))
      else attained_amount
    end as move_amount,
    1 as weight,
    cast(attained_amount as decimal(38, 20)) as weighed_amount
  from custom_moves
  union all
  select
    move_id,
    null as credit_id,
    window_key,
    progress_key,
    deducted_date as move_date,
    transaction_id as move_order,
    0 as credited_amount,
    0 as payable_amount,
    -deducted_amount as move_amount,
    1 as weight,
    cast(-deducted_amount as decimal(38, 20)) as weighed_amount
  from deductions
),

accumulated as (
  select
    *,
    sum(move_amount) over each_progress as after_amount,
    sum(payable_amount) over each_progress as payable_after_amount
  from moves
  window each_progress as (
    partition by progress_key
    order by move_date, move_order, move_id
    rows between unbounded preceding and current row
  )
),

final as (
  select
    move_id::varchar as move_id,
    credit_id::varchar as credit_id,
    window_key::varchar as window_key,
    progress_key::varchar as progress_key,
    move_date::date as move_date,
    move_order::varchar as move_order,
    credited_amount::decimal(28, 10) as credited_amount,
    payable_amount::decimal(28, 10) as payable_amount,
    move_amount::decimal(28, 10) as move_amount,
    weight::decimal(28, 10) as weight,
    weighed_amount::decimal(38, 20) as weighed_amount,
    (after_amount - move_amount)::decimal(28, 10) as cumulative_before_amount,
    after_amount::decimal(28, 10) as cumulative_after_amount,
    (payable_after_amount - payable_amount)::decimal(28, 10) as payable_before_amount,
    payable_after_amount::decimal(28, 10) as payable_after_amount
  from accumulated
)

select * from final
