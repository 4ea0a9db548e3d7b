-- Takes, in each group of a plan's credit rules, the first rule by priority that fits a valued transaction. A rule on
-- splits fits only where the transaction has such splits.
-- Grain: one row per transaction, plan and rule group. Rule: docs/rules/crediting.md
with

valued as (
  select * from {{ ref('int_valuation__values') }}
  where reason_code is null
),

splits as (
  select distinct
    valued.plan_id,
    valued.transaction_id,
    deal_splits.split_type
  from {{ ref('int_pool__split_versions') }} as deal_splits
  inner join valued
    on
      deal_splits.transaction_id = valued.deal_transaction_id
      and deal_splits.version_code = valued.version_code
),

split_transactions as (
  select distinct
    plan_id,
    transaction_id
  from splits
),

fitting as (
  {{ plan_credit_rules('valued') }}
),

possible as (
  select fitting.*
  from fitting
  left join split_transactions
    on
      fitting.plan_id = split_transactions.plan_id
      and fitting.transaction_id = split_transactions.transaction_id
  left join splits
    on
      fitting.plan_id = splits.plan_id
      and fitting.transaction_id = splits.transaction_id
      and fitting.split_type = splits.split_type
  where
    fitting.recipient_code <> 'splits'
    or (fitting.split_type is null and split_transactions.transaction_id is not null)
    or splits.transaction_id is not null
),

ranked as (
  select
    *,
    row_number() over (partition by plan_id, transaction_id, rule_group order by priority, rule_id) as rule_position
  from possible
),

final as (
  select
    plan_id::varchar as plan_id,
    transaction_id::varchar as transaction_id,
    rule_group::varchar as rule_group,
    rule_id::varchar as rule_id,
    recipient_code::varchar as recipient_code,
    credit_type_code::varchar as credit_type_code,
    split_type::varchar as split_type,
    split_total_code::varchar as split_total_code,
    recipient_alias::varchar as recipient_alias,
    share::decimal(28, 10) as share,
    (is_variable_missing or share is null)::boolean as is_variable_missing
  from ranked
  where rule_position = 1
)

select * from final
