-- Keeps the candidates who can be credited. Where the plan caps roll-ups, all credits of one payee
-- for one transaction together reach at most its value: each is the capped total with it less the one without it.
-- Grain: one row per credit. Rule: docs/rules/crediting.md
with

candidates as (
  select * from {{ ref('int_crediting__candidates') }}
  where reason_code is null
),

valued as (
  select * from {{ ref('int_valuation__values') }}
),

plan_versions as (
  select * from {{ ref('plans') }}
),

planned as (
  select
    candidates.*,
    plan_versions.is_rollup_capped,
    plan_versions.aggregate_code,
    coalesce(plan_versions.progress_id, plan_versions.plan_id) as progress_id
  from candidates
  inner join plan_versions
    on
      candidates.plan_id = plan_versions.plan_id
      and candidates.plan_valid_from = plan_versions.valid_from
),

accumulated as (
  select
    planned.*,
    valued.value_amount,
    valued.payable_amount,
    sum(planned.candidate_amount) over each_deal as amount_after,
    sum(planned.candidate_payable_amount) over each_deal as payable_after
  from planned
  inner join valued
    on
      planned.plan_id = valued.plan_id
      and planned.transaction_id = valued.transaction_id
  where planned.is_rollup_capped
  window each_deal as (
    partition by planned.plan_id, planned.transaction_id, planned.payee_id
    order by planned.level_number, planned.credit_id
    rows between unbounded preceding and current row
  )
),

united as (
  select
    credit_id,
    transaction_id,
    plan_id,
    plan_valid_from,
    payee_id,
    credit_type_code,
    rule_group,
    rule_id,
    recipient,
    level_number,
    level_factor,
    credit_date,
    calendar_id,
    window_code,
    window_from,
    window_to,
    progress_id,
    aggregate_code,
    currency_code,
    candidate_amount as credited_amount,
    candidate_payable_amount as credited_payable_amount
  from planned
  where not is_rollup_capped
  union all
  select
    credit_id,
    transaction_id,
    plan_id,
    plan_valid_from,
    payee_id,
    credit_type_code,
    rule_group,
    rule_id,
    recipient,
    level_number,
    level_factor,
    credit_date,
    calendar_id,
    window_code,
    window_from,
    window_to,
    progress_id,
    aggregate_code,
    currency_code,
    {{ capped('amount_after', 'value_amount') }} - {{ capped('amount_after - candidate_amount', 'value_amount') }}
      as credited_amount,
    {{ capped('payable_after', 'payable_amount') }}
    - {{ capped('payable_after - candidate_payable_amount', 'payable_amount') }} as credited_payable_amount
  from accumulated
),

final as (
  select
    credit_id::varchar as credit_id,
    transaction_id::varchar as transaction_id,
    plan_id::varchar as plan_id,
    plan_valid_from::date as plan_valid_from,
    payee_id::varchar as payee_id,
    credit_type_code::varchar as credit_type_code,
    rule_group::varchar as rule_group,
    rule_id::varchar as rule_id,
    recipient::varchar as recipient,
    level_number::integer as level_number,
    level_factor::decimal(18, 10) as level_factor,
    credit_date::date as credit_date,
    calendar_id::varchar as calendar_id,
    window_code::varchar as window_code,
    window_from::date as window_from,
    window_to::date as window_to,
    (
      plan_id || '|' || cast(plan_valid_from as varchar) || '|' || payee_id || '|' || window_code
      || case when calendar_id = 'transaction' then '|' || credit_id else '' end
    )::varchar as window_key,
    (
      progress_id || '|' || payee_id || '|' || window_code
      || case when calendar_id = 'transaction' then '|' || credit_id else '' end
    )::varchar as progress_key,
    aggregate_code::varchar as aggregate_code,
    currency_code::varchar as currency_code,
    credited_amount::decimal(28, 10) as credited_amount,
    credited_payable_amount::decimal(28, 10) as payable_amount
  from united
)

select * from final
