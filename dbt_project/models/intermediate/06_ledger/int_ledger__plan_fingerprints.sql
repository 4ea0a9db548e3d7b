-- Condenses everything that the seeds say about a plan's versions, numbers apart, into one mark, so that a changed plan is
-- seen.
-- Grain: one row a plan. Rule: docs/rules/ledger.md
with

plans_rows as (
  select
    columns_of_row.plan_id,
    'plans:' || cast(columns_of_row as varchar) as row_text
  from {{ ref('plans') }} as columns_of_row
),

tiers_rows as (
  select
    columns_of_row.plan_id,
    'tiers:' || cast(columns_of_row as varchar) as row_text
  from {{ ref('tiers') }} as columns_of_row
),

rates_rows as (
  select
    columns_of_row.plan_id,
    'rates:' || cast(columns_of_row as varchar) as row_text
  from {{ ref('rates') }} as columns_of_row
),

bonuses_rows as (
  select
    columns_of_row.plan_id,
    'bonuses:' || cast(columns_of_row as varchar) as row_text
  from {{ ref('bonuses') }} as columns_of_row
),

modifiers_rows as (
  select
    columns_of_row.plan_id,
    'modifiers:' || cast(columns_of_row as varchar) as row_text
  from {{ ref('modifiers') }} as columns_of_row
),

payout_terms_rows as (
  select
    columns_of_row.plan_id,
    'payout_terms:' || cast(columns_of_row as varchar) as row_text
  from {{ ref('payout_terms') }} as columns_of_row
),

credit_rules_rows as (
  select
    columns_of_row.plan_id,
    'credit_rules:' || cast(columns_of_row as varchar) as row_text
  from {{ ref('credit_rules') }} as columns_of_row
),

rollup_levels_rows as (
  select
    columns_of_row.plan_id,
    'rollup_levels:' || cast(columns_of_row as varchar) as row_text
  from {{ ref('rollup_levels') }} as columns_of_row
),

united as (
  select * from plans_rows
  union all
  select * from tiers_rows
  union all
  select * from rates_rows
  union all
  select * from bonuses_rows
  union all
  select * from modifiers_rows
  union all
  select * from payout_terms_rows
  union all
  select * from credit_rules_rows
  union all
  select * from rollup_levels_rows
),

final as (
  select
    plan_id::varchar as plan_id,
    md5(string_agg(row_text, '|' order by row_text))::varchar as plan_fingerprint
  from united
  group by plan_id
)

select * from final
