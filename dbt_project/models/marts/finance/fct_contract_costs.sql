-- Decides for each deal under a plan whether its commission is capitalised: when the plan's rule says so and the deal
-- benefits longer than the practical expedient allows; and when its amortisation starts.
-- Grain: one row per plan, deal and currency with a cost of obtaining the contract. Rule: docs/rules/accounting.md
with

earned_lines as (
  select * from {{ ref('int_ledger__earned_lines') }}
  where transaction_id is not null
),

entry_kinds as (
  select * from {{ ref('entry_kinds') }}
  where is_contract_cost
),

transactions as (
  select * from {{ ref('dim_transactions') }}
),

rules as (
  select * from {{ ref('capitalisation_rules') }}
),

terms as (
  select
    transaction_id,
    plan_id,
    max_by(benefit_months, event_date) as benefit_months
  from {{ ref('contract_events') }}
  where
    event_code = 'term'
    and event_date <= {{ as_of_date() }}
  group by transaction_id, plan_id
),

costs as (
  select
    earned_lines.plan_id,
    earned_lines.transaction_id,
    earned_lines.currency_code,
    coalesce(min(transactions.booked_date), min(earned_lines.event_date)) as booked_date,
    sum(earned_lines.earned_amount) as cost_amount,
    count(*) as line_count
  from earned_lines
  inner join entry_kinds on earned_lines.event_code = entry_kinds.event_code
  left join transactions on earned_lines.transaction_id = transactions.transaction_id
  group by earned_lines.plan_id, earned_lines.transaction_id, earned_lines.currency_code
),

ruled as (
  select
    costs.*,
    rules.expedient_months_max,
    rules.cost_change_code,
    {{ first_of_month(month_code('costs.booked_date')) }} as booked_month,
    case when rules.first_month_code = 'next' then 1 else 0 end as months_later,
    coalesce(terms_of_plan.benefit_months, terms_of_deal.benefit_months, rules.benefit_months) as benefit_months
  from costs
  left join rules
    on
      costs.plan_id = rules.plan_id
      and {{ in_force('costs.booked_date', 'rules') }}
  left join terms as terms_of_plan
    on
      costs.transaction_id = terms_of_plan.transaction_id
      and costs.plan_id = terms_of_plan.plan_id
  left join terms as terms_of_deal
    on
      costs.transaction_id = terms_of_deal.transaction_id
      and terms_of_deal.plan_id is null
),

final as (
  select
    concat_ws('|', plan_id, transaction_id, currency_code)::varchar as contract_key,
    plan_id::varchar as plan_id,
    transaction_id::varchar as transaction_id,
    currency_code::varchar as currency_code,
    booked_date::date as booked_date,
    cast({{ dbt.dateadd('month', 'months_later', 'booked_month') }} as date)::date as first_month_date,
    benefit_months::integer as benefit_months,
    cost_change_code::varchar as cost_change_code,
    (
      case
        when cost_change_code is null then 'not_capitalised'
        when benefit_months <= expedient_months_max then 'practical_expedient'
        else 'capitalised'
      end
    )::varchar as treatment_code,
    cost_amount::decimal(18, 4) as cost_amount,
    line_count::bigint as line_count
  from ruled
)

select * from final
