-- Lists the owners of deals and splits that match no payee on some booking date, each with what its system
-- knows of it, the reason and what to do about it.
-- Grain: one row per source system and alias.
with

transactions as (
  select * from {{ ref('int_pool__deal_versions') }}
),

manual_aliases as (
  select * from {{ ref('payee_aliases') }}
),

owners as (
  select * from {{ ref('int_parameters__owners') }}
),

payees as (
  select * from {{ ref('int_parameters__payees') }}
),

identities as (
  select * from {{ ref('int_parameters__identities') }}
),

reason_codes as (
  select * from {{ ref('reason_codes') }}
),

owned as (
  select
    source_system,
    owner_alias as alias,
    transaction_id,
    booked_date
  from transactions
  where owner_alias is not null
  union
  select
    splits.source_system,
    splits.owner_alias as alias,
    splits.transaction_id,
    transactions.booked_date
  from {{ ref('int_pool__split_versions') }} as splits
  inner join transactions
    on
      splits.transaction_id = transactions.transaction_id
      and splits.version_code = transactions.version_code
  where splits.owner_alias is not null
),

unmatched as (
  select
    owned.source_system,
    owned.alias,
    count(distinct owned.transaction_id) as transaction_count,
    min(owned.booked_date) as first_booked_date,
    max(owned.booked_date) as last_booked_date
  from owned
  left join owners
    on
      owned.source_system = owners.source_system
      and owned.alias = owners.alias
      and (owned.booked_date is null or {{ in_force('owned.booked_date', 'owners') }})
  where owners.alias is null
  group by owned.source_system, owned.alias
),

manual as (
  select
    manual_aliases.source_system,
    manual_aliases.alias,
    bool_or(payees.payee_id is null) as is_unknown_named
  from manual_aliases
  left join payees on manual_aliases.payee_id = payees.payee_id
  group by manual_aliases.source_system, manual_aliases.alias
),

fitting as (
  select
    source_system,
    alias,
    {{ dbt.listagg('payee_id', "', '", 'order by payee_id') }} as fitting_payee_ids
  from {{ ref('int_parameters__alias_matches') }}
  where payee_count > 1
  group by source_system, alias
),

explained as (
  select
    unmatched.*,
    fitting.fitting_payee_ids,
    case
      when manual.is_unknown_named then 'alias_names_unknown_payee'
      when fitting.alias is not null then 'several_payees_fit'
      when manual.alias is not null then 'alias_not_in_force'
      else 'no_payee_fits'
    end as reason_code
  from unmatched
  left join manual
    on
      unmatched.source_system = manual.source_system
      and unmatched.alias = manual.alias
  left join fitting
    on
      unmatched.source_system = fitting.source_system
      and unmatched.alias = fitting.alias
),

final as (
  select
    explained.source_system::varchar as source_system,
    explained.alias::varchar as alias,
    identities.employee_number::varchar as employee_number,
    identities.email::varchar as email,
    identities.user_name::varchar as user_name,
    identities.full_name::varchar as full_name,
    explained.fitting_payee_ids::varchar as fitting_payee_ids,
    explained.transaction_count::integer as transaction_count,
    explained.first_booked_date::date as first_booked_date,
    explained.last_booked_date::date as last_booked_date,
    explained.reason_code::varchar as reason_code,
    reason_codes.description::varchar as reason_description,
    reason_codes.fix::varchar as fix
  from explained
  inner join reason_codes on explained.reason_code = reason_codes.reason_code
  left join identities
    on
      explained.source_system = identities.source_system
      and explained.alias = identities.alias
)

select * from final
