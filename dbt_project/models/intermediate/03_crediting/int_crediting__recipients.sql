-- Lists the recipients that the taken rules name, with the stretch of the value that is theirs, or the reason why there is
-- none.
-- Owner, payee and team: the rule's share. Splits: theirs in the CRM. Territory: its members on the plan, equally.
-- Grain: one row per transaction, plan, rule group and recipient. Rule: docs/rules/crediting.md
with

rules_without_share as (
  select
    plan_id,
    transaction_id,
    rule_group,
    rule_id,
    credit_type_code,
    rule_group || ':' || rule_id as recipient,
    0 as share_before,
    0 as share_after,
    1 as share_of,
    0 as share_factor,
    'missing_share_variable' as reason_code
  from {{ ref('int_crediting__rule_matches') }}
  where is_variable_missing
),

recipients as (
  select * from {{ ref('int_crediting__named_recipients') }}
  union all by name
  select * from {{ ref('int_crediting__split_recipients') }}
  union all by name
  select * from {{ ref('int_crediting__territory_recipients') }}
  union all by name
  select * from {{ ref('int_crediting__custom_recipients') }}
  union all by name
  select * from rules_without_share
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
