-- Turns the splits that a rule takes into stretches of the whole: from share_before to share_after of share_of.
-- Percentages count when every split has one, amounts otherwise. Splits of one recipient are added up.
-- Grain: one row per transaction, plan, rule group and recipient. Rule: docs/rules/crediting.md
with

matches as (
  select * from {{ ref('int_crediting__rule_matches') }}
  where
    recipient_code = 'splits'
    and not is_variable_missing
),

valued as (
  select * from {{ ref('int_valuation__values') }}
),

splits as (
  select * from {{ ref('int_pool__split_versions') }}
),

owners as (
  select * from {{ ref('int_parameters__owners') }}
),

chosen as (
  select
    matches.plan_id,
    matches.transaction_id,
    matches.rule_group,
    matches.split_total_code,
    valued.transaction_amount,
    splits.owner_alias,
    owners.payee_id,
    coalesce(owners.payee_id, splits.owner_alias, splits.split_id) as recipient,
    splits.split_percentage,
    coalesce(splits.split_amount, 0) as split_amount,
    count(*) over (partition by matches.plan_id, matches.transaction_id, matches.rule_group) as split_count,
    count(splits.split_percentage) over (partition by matches.plan_id, matches.transaction_id, matches.rule_group)
      as percentage_count
  from matches
  inner join valued
    on
      matches.plan_id = valued.plan_id
      and matches.transaction_id = valued.transaction_id
  inner join splits
    on
      valued.deal_transaction_id = splits.transaction_id
      and valued.version_code = splits.version_code
      and (matches.split_type is null or matches.split_type = splits.split_type)
  left join owners
    on
      splits.source_system = owners.source_system
      and splits.owner_alias = owners.alias
      and {{ in_force('valued.credit_date', 'owners') }}
),

measured as (
  select
    *,
    case when split_count = percentage_count then split_percentage else split_amount end as split_part,
    case when split_count = percentage_count then 100 else cast(transaction_amount as decimal(28, 4)) end
      as split_whole
  from chosen
),

added_up as (
  select
    plan_id,
    transaction_id,
    rule_group,
    split_total_code,
    split_whole,
    recipient,
    payee_id,
    min(owner_alias) as owner_alias,
    sum(split_part) as split_part
  from measured
  group by plan_id, transaction_id, rule_group, split_total_code, split_whole, recipient, payee_id
),

cumulated as (
  select
    *,
    sum(split_part) over (
      partition by plan_id, transaction_id, rule_group
      order by owner_alias, recipient
      rows between unbounded preceding and current row
    ) as share_after,
    sum(split_part) over (partition by plan_id, transaction_id, rule_group) as share_total
  from added_up
),

final as (
  select
    plan_id::varchar as plan_id,
    transaction_id::varchar as transaction_id,
    rule_group::varchar as rule_group,
    recipient::varchar as recipient,
    owner_alias::varchar as owner_alias,
    payee_id::varchar as payee_id,
    (share_after - split_part)::decimal(28, 10) as share_before,
    share_after::decimal(28, 10) as share_after,
    split_whole::decimal(28, 10) as share_of,
    (
      coalesce(split_whole, 0) <> 0
      and case split_total_code
        when 'whole' then share_total = split_whole
        when 'at_most_whole'
          then share_total * sign(split_whole) >= 0 and abs(share_total) <= abs(split_whole)
        else true
      end
    )::boolean as is_allowed
  from cumulated
)

select * from final
