-- Sets up each payee's months: employment, plans, won deals, manager and pay group. Payees are those of the HRIS, and those
-- that are assigned to a plan although the HRIS never sent them.
-- Grain: one row per payee and month. Rule: docs/administration.md
with

plan_months as (
  select * from {{ ref('int_parameters__plan_months') }}
),

payees as (
  select
    payee_id,
    payee_kind_code
  from {{ ref('int_parameters__payees') }}
  union all
  select distinct
    plan_months.payee_id,
    'unknown' as payee_kind_code
  from plan_months
  anti join {{ ref('int_parameters__payees') }} as known on plan_months.payee_id = known.payee_id
),

months as (
  select
    window_code as period_code,
    window_from as period_from,
    window_to as period_to,
    {{ add_days('window_to', -1) }} as last_day
  from {{ ref('int_parameters__windows') }}
  where calendar_id = 'month'
),

managers as (
  select * from {{ ref('int_parameters__managers') }}
),

own_members as (
  select * from {{ ref('pay_group_members') }}
  where payee_id is not null
),

other_members as (
  select * from {{ ref('pay_group_members') }}
  where payee_id is null
),

pay_groups as (
  select
    pay_groups.pay_group_id,
    pay_groups.valid_from,
    pay_groups.valid_to,
    payroll_layouts.currency_code
  from {{ ref('pay_groups') }} as pay_groups
  inner join {{ ref('payroll_layouts') }} as payroll_layouts on pay_groups.layout_id = payroll_layouts.layout_id
),

planned_months as (
  select
    payee_id,
    period_code,
    count(distinct plan_id) as plan_count,
    string_agg(distinct plan_id, ', ' order by plan_id) as plan_ids,
    bool_or(beneficiary_code = 'manager') as is_manager_needed
  from plan_months
  group by payee_id, period_code
),

employed_months as (
  select distinct
    employment_spans.payee_id,
    months.period_code
  from {{ ref('int_parameters__employment_spans') }} as employment_spans
  inner join months
    on
      employment_spans.valid_from < months.period_to
      and (employment_spans.valid_to is null or months.period_from < employment_spans.valid_to)
),

owned_months as (
  select * from {{ ref('int_parameters__owner_months') }}
),

final as (
  select
    payees.payee_id::varchar as payee_id,
    payees.payee_kind_code::varchar as payee_kind_code,
    months.period_code::varchar as period_code,
    months.period_from::date as period_from,
    months.period_to::date as period_to,
    months.last_day::date as last_day,
    (payees.payee_kind_code <> 'unknown' and employed_months.payee_id is not null)::boolean as is_employed,
    coalesce(planned_months.plan_count, 0)::integer as plan_count,
    planned_months.plan_ids::varchar as plan_ids,
    coalesce(planned_months.is_manager_needed, false)::boolean as is_manager_needed,
    coalesce(owned_months.deal_count, 0)::bigint as deal_count,
    managers.manager_id::varchar as manager_id,
    coalesce(own_members.pay_group_id, other_members.pay_group_id)::varchar as pay_group_id,
    pay_groups.currency_code::varchar as pay_group_currency_code
  from payees
  cross join months
  left join planned_months
    on
      payees.payee_id = planned_months.payee_id
      and months.period_code = planned_months.period_code
  left join employed_months
    on
      payees.payee_id = employed_months.payee_id
      and months.period_code = employed_months.period_code
  left join owned_months
    on
      payees.payee_id = owned_months.payee_id
      and months.period_code = owned_months.period_code
  left join managers
    on
      payees.payee_id = managers.payee_id
      and {{ in_force('months.last_day', 'managers') }}
  left join own_members
    on
      payees.payee_id = own_members.payee_id
      and {{ in_force('months.last_day', 'own_members') }}
  left join other_members on {{ in_force('months.last_day', 'other_members') }}
  left join pay_groups
    on
      coalesce(own_members.pay_group_id, other_members.pay_group_id) = pay_groups.pay_group_id
      and {{ in_force('months.last_day', 'pay_groups') }}
)

select * from final
