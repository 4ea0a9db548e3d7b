-- Shows the life of each capitalised cost month by month, to the end of its benefit: what is capitalised, amortised and
-- impaired. The expense of a month is the rounded schedule to date less that to the month before.
-- Grain: one row per contract cost and month. Rule: docs/rules/accounting.md
with

contract_costs as (
  select * from {{ ref('fct_contract_costs') }}
),

segments as (
  select
    *,
    greatest(month_number, case when is_impaired then month_number else benefit_months - 1 end) as last_month_number
  from {{ ref('fct_contract_cost_segments') }}
),

months as (
  select
    segments.*,
    unnest(range(
      segments.month_number, coalesce(segments.next_month_number, segments.last_month_number + 1)
    )) as schedule_month
  from segments
),

scheduled as (
  select
    *,
    amortised_amount as expensed_amount
  from {{ with_amortised('months', 'schedule_month') }}
),

compared as (
  select
    *,
    coalesce(lag(cost_amount) over of_contract, 0) as cost_before_amount,
    coalesce(lag(expensed_amount) over of_contract, 0) as expensed_before_amount
  from scheduled
  window of_contract as (partition by contract_key order by schedule_month)
),

split as (
  select
    *,
    expensed_amount - expensed_before_amount as expense_amount,
    is_impaired and sign(expensed_amount - expensed_before_amount) = sign(cost_amount) as is_impairment
  from compared
),

dated as (
  select
    split.*,
    contract_costs.plan_id,
    contract_costs.transaction_id,
    contract_costs.currency_code,
    cast({{ dbt.dateadd('month', 'split.schedule_month', 'contract_costs.first_month_date') }} as date) as month_from
  from split
  inner join contract_costs on split.contract_key = contract_costs.contract_key
),

final as (
  select
    (contract_key || '|' || {{ month_code('month_from') }})::varchar as schedule_key,
    contract_key::varchar as contract_key,
    plan_id::varchar as plan_id,
    transaction_id::varchar as transaction_id,
    currency_code::varchar as currency_code,
    ({{ month_code('month_from') }})::varchar as period_code,
    (schedule_month + 1)::integer as month_number,
    benefit_months::integer as benefit_months,
    ({{ add_days(dbt.dateadd('month', 1, 'month_from'), -1) }} > {{ as_of_date() }})::boolean as is_forecast,
    (cost_before_amount - expensed_before_amount)::decimal(18, 4) as opening_amount,
    (cost_amount - cost_before_amount)::decimal(18, 4) as addition_amount,
    (case when is_impairment then 0 else expense_amount end)::decimal(18, 4) as amortisation_amount,
    (case when is_impairment then expense_amount else 0 end)::decimal(18, 4) as impairment_amount,
    (cost_amount - expensed_amount)::decimal(18, 4) as closing_amount
  from dated
)

select * from final
