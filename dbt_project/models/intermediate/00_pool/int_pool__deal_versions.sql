-- Puts the sources' sales events side by side under a few common columns, as they are today and in each other version that
-- a plan reads; everything else stays in the sources' own staging models, to be looked up by transaction_id. Whether a deal
-- is won or deleted is that of today in every version.
-- Grain: one row per sales event of any source and version. Rule: docs/rules/valuation.md
with

opportunities as (
  {{ deal_versions('crm', 'Opportunity') }}
),

maven_opportunities as (
  {{ deal_versions('maven_crm', 'sales_pipeline') }}
),

crm_transactions as (
  select
    transaction_id,
    _version_code as version_code,
    'crm' as source_system,
    'Opportunity' as source_object,
    "Id" as source_record_id,
    cast("CloseDate" as date) as booked_date,
    "OwnerId" as owner_alias,
    "Territory2Id" as territory_id,
    "CurrencyIsoCode" as currency_code,
    cast("Amount" as decimal(28, 10)) as transaction_amount,
    coalesce("StageName" = 'Closed Won', false) as is_closed_won,
    is_deleted_in_source or coalesce("IsDeleted", false) as is_deleted_in_source,
    _source_file as source_file,
    _source_row as source_row
  from opportunities
),

maven_transactions as (
  select
    transaction_id,
    _version_code as version_code,
    'maven_crm' as source_system,
    'sales_pipeline' as source_object,
    opportunity_id as source_record_id,
    cast(close_date as date) as booked_date,
    sales_agent as owner_alias,
    cast(null as varchar) as territory_id,
    cast(null as varchar) as currency_code, -- the source states no currency
    cast(close_value as decimal(28, 10)) as transaction_amount,
    coalesce(deal_stage = 'Won', false) as is_closed_won,
    is_deleted_in_source,
    _source_file as source_file,
    _source_row as source_row
  from maven_opportunities
),

united as (
  select * from crm_transactions
  union all
  select * from maven_transactions
),

final as (
  select
    united.* replace (
      today.is_closed_won as is_closed_won,
      today.is_deleted_in_source as is_deleted_in_source
    )
  from united
  inner join united as today
    on
      united.transaction_id = today.transaction_id
      and today.version_code = 'current'
)

select
  (version_code || '|' || transaction_id)::varchar as deal_version_key,
  transaction_id::varchar as transaction_id,
  version_code::varchar as version_code,
  source_system::varchar as source_system,
  source_object::varchar as source_object,
  source_record_id::varchar as source_record_id,
  booked_date::date as booked_date,
  owner_alias::varchar as owner_alias,
  territory_id::varchar as territory_id,
  currency_code::varchar as currency_code,
  transaction_amount::decimal(28, 10) as transaction_amount,
  is_closed_won::boolean as is_closed_won,
  is_deleted_in_source::boolean as is_deleted_in_source,
  source_file::varchar as source_file,
  source_row::bigint as source_row
from final
