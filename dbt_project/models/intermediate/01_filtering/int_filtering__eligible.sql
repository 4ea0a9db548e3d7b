-- Keeps the eligible verdicts: the transactions that count under a plan. The verdicts hold all others.
-- Grain: one row per eligible transaction and plan. Rule: docs/rules/filtering.md
with

verdicts as (
  select * from {{ ref('int_filtering__verdicts') }}
  where
    verdict_code = 'eligible'
    and is_filter_met -- holds for all of them; said again, it lets the engine start from the filters' few rows
),

final as (
  select
    transaction_id::varchar as transaction_id,
    version_code::varchar as version_code,
    plan_id::varchar as plan_id,
    plan_valid_from::date as plan_valid_from,
    booked_date::date as booked_date,
    owner_alias::varchar as owner_alias,
    owner_payee_id::varchar as owner_payee_id,
    verdict_code::varchar as verdict_code
  from verdicts
)

select * from final
