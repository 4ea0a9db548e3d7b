-- Counts the won deals of each month that a payee owns, or a split of which is the payee's.
-- Grain: one row per payee and month. Rule: docs/administration.md
with

deals as (
  select * from {{ ref('int_pool__deals') }}
  where
    is_closed_won
    and not is_deleted_in_source
    and booked_date <= {{ as_of_date() }}
),

splits as (
  select * from {{ ref('int_pool__splits') }}
),

owners as (
  select * from {{ ref('int_parameters__owners') }}
),

owned as (
  select
    transaction_id,
    source_system,
    owner_alias,
    booked_date
  from deals
  union
  select
    deals.transaction_id,
    splits.source_system,
    splits.owner_alias,
    deals.booked_date
  from deals
  inner join splits on deals.transaction_id = splits.transaction_id
),

final as (
  select
    owners.payee_id::varchar as payee_id,
    ({{ month_code('owned.booked_date') }})::varchar as period_code,
    count(distinct owned.transaction_id)::bigint as deal_count
  from owned
  inner join owners
    on
      owned.source_system = owners.source_system
      and owned.owner_alias = owners.alias
      and {{ in_force('owned.booked_date', 'owners') }}
  group by owners.payee_id, {{ month_code('owned.booked_date') }}
)

select * from final
