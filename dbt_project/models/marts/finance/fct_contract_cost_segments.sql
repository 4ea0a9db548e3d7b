-- Cuts the life of each capitalised cost into stretches in which nothing changes: a change of the cost, an extension and a
-- cancellation each start one, with what was booked before it.
-- Grain: one row per contract cost and stretch. Rule: docs/rules/accounting.md
with recursive

contract_costs as (
  select
    contract_costs.*,
    currencies.minor_unit
  from {{ ref('fct_contract_costs') }} as contract_costs
  inner join {{ ref('currencies') }} as currencies on contract_costs.currency_code = currencies.currency_code
  where contract_costs.treatment_code = 'capitalised'
),

accounting_lines as (
  select
    *,
    {{ first_of_month('period_code') }} as month_from
  from {{ ref('fct_accounting_lines') }}
  where contract_key is not null
),

known_events as (
  select
    transaction_id,
    plan_id,
    event_code,
    event_date,
    benefit_months
  from {{ ref('contract_events') }}
  union all
  -- What the plan's terms read off the deal itself.
  select
    transaction_id,
    plan_id,
    'cancellation' as event_code,
    cancelled_date as event_date,
    null as benefit_months
  from {{ ref('int_valuation__cancellations') }}
),

contract_events as (
  select * from known_events
  where
    event_code in ('extension', 'cancellation')
    and event_date <= {{ as_of_date() }}
),

cost_changes as (
  select
    contract_costs.contract_key,
    {{ dbt.datediff('contract_costs.first_month_date', 'accounting_lines.month_from', 'month') }} as month_number,
    sum(accounting_lines.line_amount)::decimal(18, 4) as cost_change_amount
  from accounting_lines
  inner join contract_costs on accounting_lines.contract_key = contract_costs.contract_key
  group by all
),

event_changes as (
  select
    contract_costs.contract_key,
    greatest(
      {{ dbt.datediff('contract_costs.first_month_date', 'contract_events.event_date', 'month') }}, 0
    ) as month_number,
    max_by(
      contract_events.benefit_months,
      case when contract_events.event_code = 'extension' then contract_events.event_date end
    ) as benefit_months,
    bool_or(contract_events.event_code = 'cancellation') as is_cancelled
  from contract_events
  inner join contract_costs
    on
      contract_events.transaction_id = contract_costs.transaction_id
      and (
        contract_events.plan_id is null
        or contract_events.plan_id = contract_costs.plan_id
      )
  group by all
),

changes as (
  select
    coalesce(cost_changes.contract_key, event_changes.contract_key) as contract_key,
    coalesce(cost_changes.month_number, event_changes.month_number) as month_number,
    coalesce(cost_changes.cost_change_amount, 0) as cost_change_amount,
    event_changes.benefit_months,
    coalesce(event_changes.is_cancelled, false) as is_cancelled
  from cost_changes
  full outer join event_changes
    on
      cost_changes.contract_key = event_changes.contract_key
      and cost_changes.month_number = event_changes.month_number
),

stretches as (
  select
    contract_costs.contract_key,
    contract_costs.cost_change_code,
    contract_costs.minor_unit,
    changes.month_number::bigint as month_number,
    row_number() over of_contract as segment_number,
    lead(changes.month_number) over of_contract as next_month_number,
    (sum(changes.cost_change_amount) over of_contract)::decimal(18, 4) as cost_amount,
    coalesce(
      last_value(changes.benefit_months ignore nulls) over of_contract, contract_costs.benefit_months
    )::bigint as benefit_months,
    bool_or(changes.is_cancelled) over of_contract as is_impaired
  from changes
  inner join contract_costs on changes.contract_key = contract_costs.contract_key
  window of_contract as (partition by contract_costs.contract_key order by changes.month_number)
),

marked as (
  select
    *,
    coalesce(benefit_months <> lag(benefit_months) over (
      partition by contract_key
      order by segment_number
    ), false) as is_term_changed
  from stretches
),

-- Casts everywhere: in a recursive query the first part of a union gives the types.
walked as (
  select
    marked.*,
    cast(0 as decimal(18, 4)) as booked_before_amount,
    cast(0 as bigint) as share_month_number,
    cast(0 as bigint) as share_numerator,
    cast(1 as bigint) as share_denominator
  from marked
  where marked.segment_number = 1
  union all
  select
    marked.*,
    ended.booked_amount as booked_before_amount,
    case when marked.is_term_changed then marked.month_number else ended.share_month_number end as share_month_number,
    case when marked.is_term_changed then ended.passed_numerator else ended.share_numerator end as share_numerator,
    case when marked.is_term_changed then ended.passed_denominator else ended.share_denominator end as share_denominator
  from (
    select
      contract_key,
      segment_number,
      share_month_number,
      share_numerator,
      share_denominator,
      amortised_amount as booked_amount,
      {{ share_numerator_at('(next_month_number - greatest(share_month_number, 0))', share_span()) }}::bigint
        as passed_numerator,
      {{ share_denominator_at(share_span()) }}::bigint as passed_denominator
    from {{ with_amortised('walked', 'next_month_number - 1') }}
    where next_month_number is not null
  ) as ended
  inner join marked
    on
      ended.contract_key = marked.contract_key
      and ended.segment_number + 1 = marked.segment_number
),

final as (
  select
    (contract_key || '|' || segment_number)::varchar as segment_key,
    contract_key::varchar as contract_key,
    segment_number::integer as segment_number,
    month_number::integer as month_number,
    next_month_number::integer as next_month_number,
    cost_change_code::varchar as cost_change_code,
    minor_unit::integer as minor_unit,
    benefit_months::integer as benefit_months,
    is_impaired::boolean as is_impaired,
    cost_amount::decimal(18, 4) as cost_amount,
    booked_before_amount::decimal(18, 4) as booked_before_amount,
    share_month_number::integer as share_month_number,
    share_numerator::bigint as share_numerator,
    share_denominator::bigint as share_denominator
  from walked
)

select * from final
