-- Gives the outcome of every transaction under every plan: credited, or skipped with the first reason of the
-- first stage that stopped it.
-- Grain: one row per transaction and plan (one row without a plan where no plan names the source object).
with

verdicts as (
  select * from {{ ref('int_filtering__verdicts') }}
),

transaction_values as (
  select * from {{ ref('int_valuation__values') }}
),

reason_codes as (
  select * from {{ ref('reason_codes') }}
),

refused as (
  select
    candidates.transaction_id,
    candidates.plan_id,
    max(reason_codes.precedence) as precedence
  from {{ ref('int_crediting__candidates') }} as candidates
  inner join reason_codes on candidates.reason_code = reason_codes.reason_code
  group by candidates.transaction_id, candidates.plan_id
),

matched as (
  select distinct
    transaction_id,
    plan_id
  from {{ ref('int_crediting__rule_matches') }}
),

credits as (
  select
    transaction_id,
    plan_id,
    count(*) as credit_count,
    sum(credited_amount) as credited_amount
  from {{ ref('int_crediting__credits') }}
  group by transaction_id, plan_id
),

eligible as (
  select
    verdicts.*,
    transaction_values.value_amount,
    transaction_values.currency_code,
    coalesce(credits.credit_count, 0) as credit_count,
    credits.credited_amount,
    case
      when transaction_values.reason_code is not null then transaction_values.reason_code
      when credits.credit_count is not null then null
      when refused_reasons.reason_code is not null then refused_reasons.reason_code
      when matched.transaction_id is null then 'no_credit_rule_matched'
      else 'no_plan_assignment'
    end as final_reason_code
  from verdicts
  left join transaction_values
    on
      verdicts.transaction_id = transaction_values.transaction_id
      and verdicts.plan_id = transaction_values.plan_id
  left join refused
    on
      verdicts.transaction_id = refused.transaction_id
      and verdicts.plan_id = refused.plan_id
  left join reason_codes as refused_reasons on refused.precedence = refused_reasons.precedence
  left join matched
    on
      verdicts.transaction_id = matched.transaction_id
      and verdicts.plan_id = matched.plan_id
  left join credits
    on
      verdicts.transaction_id = credits.transaction_id
      and verdicts.plan_id = credits.plan_id
  where verdicts.reason_code is null
),

-- Most rows by far: what filtering has stopped goes no further.
joined as (
  select * from eligible
  union all
  select
    *,
    null as value_amount,
    null as currency_code,
    0 as credit_count,
    null as credited_amount,
    reason_code as final_reason_code
  from verdicts
  where reason_code is not null
),

final as (
  select
    verdict_key::varchar as verdict_key,
    transaction_id::varchar as transaction_id,
    version_code::varchar as version_code,
    plan_id::varchar as plan_id,
    plan_valid_from::date as plan_valid_from,
    booked_date::date as booked_date,
    (case when final_reason_code is null then 'credited' else 'skipped' end)::varchar as disposition_code,
    final_reason_code::varchar as reason_code,
    currency_code::varchar as currency_code,
    value_amount::decimal(28, 10) as value_amount,
    credit_count::bigint as credit_count,
    credited_amount::decimal(28, 10) as credited_amount
  from joined
)

select * from final
