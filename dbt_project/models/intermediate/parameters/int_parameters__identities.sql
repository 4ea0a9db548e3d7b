-- Lists the people behind the owners of deals, as far as their systems say: CRM users with what the CRM knows of them;
-- in systems that send no users the owner itself, which may be any of the four.
-- Grain: one row per source system and alias.
with

users as (
  select * from {{ ref('stg_crm__users') }}
),

owners as (
  select
    source_system,
    owner_alias
  from {{ ref('int_pool__transaction_versions') }}
  union
  select
    source_system,
    owner_alias
  from {{ ref('int_pool__split_versions') }}
),

united as (
  select
    'crm' as source_system,
    "Id" as alias,
    "EmployeeNumber" as employee_number,
    "Email" as email,
    "Username" as user_name,
    "Name" as full_name
  from users
  union all
  select
    source_system,
    owner_alias as alias,
    owner_alias as employee_number,
    owner_alias as email,
    owner_alias as user_name,
    owner_alias as full_name
  from owners
  where
    source_system <> 'crm'
    and owner_alias is not null
),

final as (
  select
    source_system::varchar as source_system,
    alias::varchar as alias,
    trim(employee_number)::varchar as employee_number,
    lower(trim(email))::varchar as email,
    lower(trim(user_name))::varchar as user_name,
    lower(trim(full_name))::varchar as full_name
  from united
)

select * from final
