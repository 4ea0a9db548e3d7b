-- Lists the live splits of transactions, who shares a deal, by percent or by amount: as they are today and as of each other
-- version of a deal that a plan reads. Splits that were landed for the first time after a close, with all others of the
-- table, count as they were then.
-- Grain: one row per split and version. Rule: docs/rules/valuation.md
with

splits_today as (
  select
    *,
    'crm/Opportunity/' || "OpportunityId" as transaction_id
  from {{ ref('stg_crm__opportunity_splits') }}
  where
    not is_deleted_in_source
    and not coalesce("IsDeleted", false)
),

united as (
  {{ split_versions('splits_today') }}
),

final as (
  select
    transaction_id,
    _version_code as version_code,
    'crm' as source_system,
    "Id" as split_id,
    "SplitType" as split_type,
    "SplitOwnerId" as owner_alias,
    "SplitPercentage" as split_percentage,
    "SplitAmount" as split_amount
  from united
)

select
  (version_code || '|' || split_id)::varchar as split_version_key,
  transaction_id::varchar as transaction_id,
  version_code::varchar as version_code,
  source_system::varchar as source_system,
  split_id::varchar as split_id,
  split_type::varchar as split_type,
  owner_alias::varchar as owner_alias,
  split_percentage::decimal(28, 10) as split_percentage,
  split_amount::decimal(28, 10) as split_amount
from final
