-- Lists the live splits of transactions: who shares a deal, by percent or by amount.
-- Grain: one row per split.
with

opportunity_splits as (
  select * from {{ ref('stg_crm__opportunity_splits') }}
  where
    not is_deleted_in_source
    and not coalesce("IsDeleted", false)
),

final as (
  select
    'crm/Opportunity/' || "OpportunityId" as transaction_id,
    'crm' as source_system,
    "Id" as split_id,
    "SplitType" as split_type,
    "SplitOwnerId" as owner_alias,
    "SplitPercentage" as split_percentage,
    "SplitAmount" as split_amount
  from opportunity_splits
)

select
  transaction_id::varchar as transaction_id,
  source_system::varchar as source_system,
  split_id::varchar as split_id,
  split_type::varchar as split_type,
  owner_alias::varchar as owner_alias,
  split_percentage::decimal(28, 10) as split_percentage,
  split_amount::decimal(28, 10) as split_amount
from final
