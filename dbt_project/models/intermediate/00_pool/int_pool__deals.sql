-- Puts the sources' sales events side by side under a few common columns; everything else stays in the
-- sources' own staging models, to be looked up by transaction_id.
-- Grain: one row per transaction of any source.
with

opportunities as (
  select * from {{ ref('stg_crm__opportunities') }}
),

maven_opportunities as (
  select * from {{ ref('stg_maven_crm__opportunities') }}
),

crm_transactions as (
  select
    transaction_id,
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

final as (
  select * from crm_transactions
  union all
  select * from maven_transactions
)

select
  transaction_id::varchar as transaction_id,
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
