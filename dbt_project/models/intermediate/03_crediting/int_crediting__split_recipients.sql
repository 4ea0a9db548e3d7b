-- Gives each split of the CRM that a rule takes its stretch of the whole; splits that do not add up are refused.
-- Grain: one row per transaction, plan, rule group that takes splits, and recipient. Rule: docs/rules/crediting.md
with

matches as (
  select * from {{ ref('int_crediting__rule_matches') }}
  where not is_variable_missing
),

split_shares as (
  select * from {{ ref('int_crediting__split_shares') }}
),

recipients as (
  select
    matches.plan_id,
    matches.transaction_id,
    matches.rule_group,
    matches.rule_id,
    matches.credit_type_code,
    split_shares.recipient,
    split_shares.payee_id,
    case when split_shares.is_allowed then split_shares.share_before else 0 end as share_before,
    case when split_shares.is_allowed then split_shares.share_after else 0 end as share_after,
    case when split_shares.is_allowed then split_shares.share_of else 1 end as share_of,
    1 as share_factor,
    case
      when not split_shares.is_allowed then 'split_sum_differs'
      when split_shares.payee_id is null then 'split_owner_not_in_hris'
    end as reason_code
  from matches
  inner join split_shares
    on
      matches.plan_id = split_shares.plan_id
      and matches.transaction_id = split_shares.transaction_id
      and matches.rule_group = split_shares.rule_group
),

final as (
  select
    plan_id::varchar as plan_id,
    transaction_id::varchar as transaction_id,
    rule_group::varchar as rule_group,
    rule_id::varchar as rule_id,
    credit_type_code::varchar as credit_type_code,
    recipient::varchar as recipient,
    payee_id::varchar as payee_id,
    share_before::decimal(28, 10) as share_before,
    share_after::decimal(28, 10) as share_after,
    share_of::decimal(28, 10) as share_of,
    share_factor::decimal(28, 10) as share_factor,
    reason_code::varchar as reason_code
  from recipients
)

select * from final
