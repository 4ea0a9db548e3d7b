-- Lists who may read figures: everybody in the HRIS and everybody who holds a role, with the widest role of today.
-- Grain: one row per viewer.
-- Rule: docs/bi.md
with

payees as (
  select * from {{ ref('int_parameters__payees') }}
  where payee_kind_code = 'person' and not is_deleted_in_source
),

held_roles as (
  select * from {{ ref('roles') }} as held
  where {{ in_force(as_of_date(), 'held') }}
),

visibility as (
  select * from {{ ref('fct_visibility') }}
),

listed as (
  select viewer_id
  from held_roles
  union
  select payee_id as viewer_id
  from payees
),

held as (
  select
    viewer_id,
    bool_or(role_code = 'admin') as is_admin,
    bool_or(role_code = 'auditor') as is_auditor,
    bool_or(role_code = 'limited_admin') as is_limited_admin,
    bool_or(role_code = 'manager') as is_manager
  from (
    select
      viewer_id,
      role_code
    from held_roles
    union all
    select
      viewer_id,
      role_code
    from visibility
  ) as role_holders
  group by viewer_id
),

final as (
  select
    listed.viewer_id::varchar as viewer_id,
    payees.payee_id::varchar as payee_id,
    coalesce(payees.full_name, listed.viewer_id)::varchar as viewer_name,
    payees.email::varchar as email,
    (case
      when held.is_admin then 'admin'
      when held.is_auditor then 'auditor'
      when held.is_limited_admin then 'limited_admin'
      when held.is_manager then 'manager'
      else 'payee'
    end)::varchar as role_code,
    coalesce(held.is_admin or held.is_auditor, false)::boolean as is_unrestricted
  from listed
  left join payees on listed.viewer_id = payees.payee_id
  left join held on listed.viewer_id = held.viewer_id
)

select * from final
