-- Lists the territories of deals, with their name where the CRM sends a table of them.
-- Grain: one row per territory.
-- Rule: docs/bi.md
with

transactions as (
  select * from {{ ref('int_pool__transaction_versions') }}
),

named as (
  {% if var('crm_system') == 'files' %}
    select
      "Id" as territory_id,
      "Name" as territory_name
    from {{ ref('stg_crm__territories') }}
  {% else %}
    select
      null as territory_id,
      null as territory_name
    where false
  {% endif %}
),

listed as (
  select distinct territory_id
  from transactions
  where territory_id is not null
  union
  select territory_id
  from named
),

final as (
  select
    listed.territory_id::varchar as territory_id,
    named.territory_name::varchar as territory_name
  from listed
  left join named on listed.territory_id = named.territory_id
)

select * from final
