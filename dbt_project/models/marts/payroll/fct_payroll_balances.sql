-- Takes the pay cycles of each payee in their order: what is carried in, the net of the cycle, what files have paid,
-- what is new to pay, and what happens to a negative balance.
-- Grain: one row per payee, currency, pay group and pay cycle with an amount or a balance. Rule: docs/rules/payroll.md
with recursive

items as (
  select * from {{ ref('fct_payroll_items') }}
  where pay_cycle_code is not null
),

exported_lines as (
  select * from {{ ref('stg_books__exported_lines') }}
  where line_kind_code = 'payment'
),

pay_cycles as (
  select * from {{ ref('pay_cycles') }}
),

pay_groups as (
  select * from {{ ref('pay_groups') }}
),

net_reviews as (
  select * from {{ ref('net_reviews') }}
),

-- In a recursive query the first part of a union gives the types: a bare 0 would cut the cents of the other part.
united as (
  select
    payee_id,
    currency_code,
    pay_group_id,
    pay_cycle_code,
    counted_amount as net_amount,
    cast(0 as decimal(18, 4)) as exported_amount
  from items
  union all
  select
    payee_id,
    currency_code,
    pay_group_id,
    pay_cycle_code,
    cast(0 as decimal(18, 4)) as net_amount,
    line_amount as exported_amount
  from exported_lines
),

nets as (
  select
    payee_id,
    currency_code,
    pay_group_id,
    pay_cycle_code,
    sum(net_amount)::decimal(18, 4) as net_amount,
    sum(exported_amount)::decimal(18, 4) as exported_amount
  from united
  group by payee_id, currency_code, pay_group_id, pay_cycle_code
),

dated as (
  select
    nets.*,
    pay_cycles.pay_date,
    max_by(nets.pay_group_id, pay_cycles.pay_date) over (partition by nets.payee_id, nets.currency_code) as last_group_id
  from nets
  inner join pay_cycles
    on
      nets.pay_group_id = pay_cycles.pay_group_id
      and nets.pay_cycle_code = pay_cycles.pay_cycle_code
),

group_cycles as (
  select distinct
    currency_code,
    pay_group_id,
    pay_cycle_code,
    pay_date
  from dated
),

-- The later cycles of the payee's last group, in which a balance is carried on though nothing else happens.
quiet_cycles as (
  select distinct
    dated.payee_id,
    group_cycles.currency_code,
    group_cycles.pay_group_id,
    group_cycles.pay_cycle_code,
    group_cycles.pay_date
  from dated
  inner join group_cycles
    on
      dated.last_group_id = group_cycles.pay_group_id
      and dated.pay_group_id = group_cycles.pay_group_id
      and dated.currency_code = group_cycles.currency_code
      and dated.pay_date < group_cycles.pay_date
),

filled as (
  select
    coalesce(dated.payee_id, quiet_cycles.payee_id) as payee_id,
    coalesce(dated.currency_code, quiet_cycles.currency_code) as currency_code,
    coalesce(dated.pay_group_id, quiet_cycles.pay_group_id) as pay_group_id,
    coalesce(dated.pay_cycle_code, quiet_cycles.pay_cycle_code) as pay_cycle_code,
    coalesce(dated.pay_date, quiet_cycles.pay_date) as pay_date,
    coalesce(dated.net_amount, 0) as net_amount,
    coalesce(dated.exported_amount, 0) as exported_amount,
    dated.payee_id is not null as is_active
  from dated
  full outer join quiet_cycles
    on
      dated.payee_id = quiet_cycles.payee_id
      and dated.currency_code = quiet_cycles.currency_code
      and dated.pay_group_id = quiet_cycles.pay_group_id
      and dated.pay_cycle_code = quiet_cycles.pay_cycle_code
),

ordered as (
  select
    filled.*,
    coalesce(net_reviews.decision_code, pay_groups.negative_net_code) as decision_code,
    row_number() over (
      partition by filled.payee_id, filled.currency_code
      order by filled.pay_date, filled.pay_group_id, filled.pay_cycle_code
    ) as cycle_number
  from filled
  inner join pay_groups
    on
      filled.pay_group_id = pay_groups.pay_group_id
      and {{ in_force('filled.pay_date', 'pay_groups') }}
  left join net_reviews
    on
      filled.pay_group_id = net_reviews.pay_group_id
      and filled.pay_cycle_code = net_reviews.pay_cycle_code
      and filled.payee_id = net_reviews.payee_id
      and filled.currency_code = net_reviews.currency_code
),

walked as (
  select
    ordered.*,
    cast(0 as decimal(18, 4)) as carried_in_amount
  from ordered
  where ordered.cycle_number = 1
  union all
  select
    ordered.*,
    case
      when walked.decision_code = 'carry_forward'
        then least(cast(walked.carried_in_amount + walked.net_amount - walked.exported_amount as decimal(18, 4)), 0)
      else 0
    end::decimal(18, 4) as carried_in_amount
  from walked
  inner join ordered
    on
      walked.payee_id = ordered.payee_id
      and walked.currency_code = ordered.currency_code
      and walked.cycle_number + 1 = ordered.cycle_number
),

balanced as (
  select
    *,
    carried_in_amount + net_amount - exported_amount as balance_amount
  from walked
),

final as (
  select
    concat_ws('|', payee_id, currency_code, pay_group_id, pay_cycle_code)::varchar as balance_key,
    payee_id::varchar as payee_id,
    currency_code::varchar as currency_code,
    pay_group_id::varchar as pay_group_id,
    pay_cycle_code::varchar as pay_cycle_code,
    pay_date::date as pay_date,
    cycle_number::integer as cycle_number,
    decision_code::varchar as decision_code,
    carried_in_amount::decimal(18, 4) as carried_in_amount,
    net_amount::decimal(18, 4) as net_amount,
    exported_amount::decimal(18, 4) as exported_amount,
    (
      case
        when balance_amount > 0 or decision_code = 'deduct' then balance_amount
        else 0
      end
    )::decimal(18, 4) as new_amount,
    (
      case
        when balance_amount < 0 and decision_code = 'carry_forward' then balance_amount
        else 0
      end
    )::decimal(18, 4) as carried_out_amount,
    (
      case
        when balance_amount < 0 and decision_code = 'withhold' then balance_amount
        else 0
      end
    )::decimal(18, 4) as withheld_amount
  from balanced
  where
    is_active
    or carried_in_amount <> 0
)

select * from final
