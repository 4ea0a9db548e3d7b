-- Adds up what each payee was credited in each window of a plan, and fixes the day on which the window's numbers
-- (tiers, quota, rates) are read: its first day, or the payee's first day on the plan within it.
-- Grain: one row a plan, payee and window.
with

credits as (
  select * from {{ ref('int_crediting__credits') }}
),

assignments as (
  select * from {{ ref('plan_assignments') }}
),

credited as (
  select
    plan_id,
    payee_id,
    window_code,
    window_from,
    window_to,
    currency_code,
    sum(credited_amount) as credited_amount,
    count(*) as credit_count
  from credits
  group by plan_id, payee_id, window_code, window_from, window_to, currency_code
),

first_days as (
  select
    credited.plan_id,
    credited.payee_id,
    credited.window_code,
    min(greatest(assignments.valid_from, credited.window_from)) as parameters_date
  from credited
  inner join assignments
    on
      credited.plan_id = assignments.plan_id
      and credited.payee_id = assignments.payee_id
      and assignments.valid_from < credited.window_to
      and (assignments.valid_to is null or credited.window_from < assignments.valid_to)
  group by credited.plan_id, credited.payee_id, credited.window_code
),

final as (
  select
    (credited.plan_id || '|' || credited.payee_id || '|' || credited.window_code)::varchar as window_key,
    credited.plan_id::varchar as plan_id,
    credited.payee_id::varchar as payee_id,
    credited.window_code::varchar as window_code,
    credited.window_from::date as window_from,
    credited.window_to::date as window_to,
    first_days.parameters_date::date as parameters_date,
    credited.currency_code::varchar as currency_code,
    credited.credited_amount::decimal(28, 10) as credited_amount,
    credited.credit_count::bigint as credit_count
  from credited
  inner join first_days
    on
      credited.plan_id = first_days.plan_id
      and credited.payee_id = first_days.payee_id
      and credited.window_code = first_days.window_code
)

select * from final
