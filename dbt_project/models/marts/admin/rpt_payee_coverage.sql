-- Says of each payee and month whether everything is there that commission needs: employment, plan, quota, manager, pay
-- group, worker id, currency; with the first thing that is missing and what to do about it.
-- Grain: one row per payee and month in which the payee is employed, on a plan, paid, or the owner of a won deal.
-- Rule: docs/administration.md
with

payees as (
  select
    payee_id,
    payee_kind_code,
    hire_date,
    termination_date
  from {{ ref('int_parameters__payees') }}
  union all
  select distinct
    plan_months.payee_id,
    'unknown' as payee_kind_code,
    cast(null as date) as hire_date,
    cast(null as date) as termination_date
  from {{ ref('int_parameters__plan_months') }} as plan_months
  anti join {{ ref('int_parameters__payees') }} as known on plan_months.payee_id = known.payee_id
),

months as (
  select
    window_code as period_code,
    window_from,
    window_to,
    {{ add_days('window_to', -1) }} as last_day
  from {{ ref('int_parameters__windows') }}
  where calendar_id = 'month'
),

quota_gaps as (
  select * from {{ ref('int_attainment__windows') }}
  where reason_code in ('missing_quota', 'zero_quota')
),

payouts as (
  select * from {{ ref('fct_payouts') }}
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
  select * from {{ ref('pay_groups') }}
),

payroll_layouts as (
  select * from {{ ref('payroll_layouts') }}
),

worker_ids as (
  select * from {{ ref('worker_ids') }}
),

reason_codes as (
  select * from {{ ref('reason_codes') }}
),

plan_months as (
  select * from {{ ref('int_parameters__plan_months') }}
),

on_plans as (
  select
    payee_id,
    period_code,
    count(distinct plan_id) as plan_count,
    string_agg(distinct plan_id, ', ' order by plan_id) as plan_ids,
    bool_or(beneficiary_code = 'manager') as is_manager_needed
  from plan_months
  group by payee_id, period_code
),

quotas as (
  select
    plan_months.payee_id,
    plan_months.period_code,
    bool_or(quota_gaps.reason_code = 'missing_quota') as is_quota_missing,
    string_agg(distinct quota_gaps.plan_id, ', ' order by quota_gaps.plan_id) as quota_plan_ids
  from plan_months
  inner join months on plan_months.period_code = months.period_code
  inner join quota_gaps
    on
      plan_months.plan_id = quota_gaps.plan_id
      and plan_months.payee_id = quota_gaps.payee_id
      and quota_gaps.window_from < months.window_to
      and (quota_gaps.window_to is null or months.window_from < quota_gaps.window_to)
  group by plan_months.payee_id, plan_months.period_code
),

owned_months as (
  select * from {{ ref('int_parameters__owner_months') }}
),

paid_months as (
  select distinct
    payee_id,
    period_code
  from payouts
),

groups_with_worker_ids as (
  select distinct pay_group_id
  from worker_ids
),

placed as (
  select
    payees.payee_id,
    payees.payee_kind_code,
    months.period_code,
    months.window_from,
    months.last_day,
    payees.payee_kind_code = 'team'
    or (
      payees.payee_kind_code = 'person'
      and (payees.hire_date is null or payees.hire_date < months.window_to)
      and (payees.termination_date is null or not payees.termination_date < months.window_from)
    ) as is_employed,
    coalesce(on_plans.plan_count, 0) as plan_count,
    on_plans.plan_ids,
    coalesce(on_plans.is_manager_needed, false) as is_manager_needed,
    quotas.is_quota_missing,
    quotas.quota_plan_ids,
    coalesce(owned_months.deal_count, 0) as deal_count,
    paid_months.payee_id is not null as is_paid
  from payees
  cross join months
  left join on_plans
    on
      payees.payee_id = on_plans.payee_id
      and months.period_code = on_plans.period_code
  left join quotas
    on
      payees.payee_id = quotas.payee_id
      and months.period_code = quotas.period_code
  left join owned_months
    on
      payees.payee_id = owned_months.payee_id
      and months.period_code = owned_months.period_code
  left join paid_months
    on
      payees.payee_id = paid_months.payee_id
      and months.period_code = paid_months.period_code
),

grouped as (
  select
    placed.*,
    managers.manager_id,
    coalesce(own_members.pay_group_id, other_members.pay_group_id) as pay_group_id
  from placed
  left join managers
    on
      placed.payee_id = managers.payee_id
      and {{ in_force('placed.last_day', 'managers') }}
  left join own_members
    on
      placed.payee_id = own_members.payee_id
      and {{ in_force('placed.last_day', 'own_members') }}
  left join other_members on {{ in_force('placed.last_day', 'other_members') }}
  where
    placed.plan_count > 0
    or placed.is_paid
    or (placed.payee_kind_code = 'person' and (placed.is_employed or placed.deal_count > 0))
),

other_currencies as (
  select distinct
    grouped.payee_id,
    grouped.period_code
  from grouped
  inner join pay_groups
    on
      grouped.pay_group_id = pay_groups.pay_group_id
      and {{ in_force('grouped.last_day', 'pay_groups') }}
  inner join payroll_layouts on pay_groups.layout_id = payroll_layouts.layout_id
  inner join plan_months
    on
      grouped.payee_id = plan_months.payee_id
      and grouped.period_code = plan_months.period_code
      and payroll_layouts.currency_code <> plan_months.currency_code
),

judged as (
  select
    grouped.*,
    worker_ids.worker_id,
    grouped.payee_kind_code = 'person' and grouped.plan_count > 0 and not grouped.is_employed
      as is_plan_outside_employment,
    grouped.deal_count > 0 and grouped.plan_count = 0 as has_deals_without_plan,
    grouped.is_quota_missing is not null as has_quota_gap,
    grouped.is_manager_needed and grouped.manager_id is null as is_without_manager,
    (grouped.plan_count > 0 or grouped.is_paid) and grouped.pay_group_id is null as is_without_pay_group,
    (grouped.plan_count > 0 or grouped.is_paid)
    and groups_with_worker_ids.pay_group_id is not null
    and worker_ids.worker_id is null as is_without_worker_id,
    other_currencies.payee_id is not null as is_other_currency,
    grouped.plan_count = 0 and grouped.deal_count = 0 as is_without_plan
  from grouped
  left join worker_ids
    on
      grouped.pay_group_id = worker_ids.pay_group_id
      and grouped.payee_id = worker_ids.payee_id
  left join groups_with_worker_ids on grouped.pay_group_id = groups_with_worker_ids.pay_group_id
  left join other_currencies
    on
      grouped.payee_id = other_currencies.payee_id
      and grouped.period_code = other_currencies.period_code
),

explained as (
  select
    *,
    case when payee_kind_code = 'unknown' then 1 else 0 end
    + case when is_plan_outside_employment then 1 else 0 end
    + case when has_deals_without_plan then 1 else 0 end
    + case when has_quota_gap then 1 else 0 end
    + case when is_without_manager then 1 else 0 end
    + case when is_without_pay_group then 1 else 0 end
    + case when is_without_worker_id then 1 else 0 end
    + case when is_other_currency then 1 else 0 end
    + case when is_without_plan then 1 else 0 end as gap_count,
    case
      when payee_kind_code = 'unknown' then 'assigned_payee_unknown'
      when is_plan_outside_employment then 'plan_outside_employment'
      when has_deals_without_plan then 'deals_without_plan'
      when is_quota_missing then 'missing_quota'
      when has_quota_gap then 'zero_quota'
      when is_without_manager then 'no_manager'
      when is_without_pay_group then 'no_pay_group'
      when is_without_worker_id then 'no_worker_id'
      when is_other_currency then 'other_currency'
      when is_without_plan then 'no_plan'
    end as reason_code
  from judged
),

final as (
  select
    (explained.payee_id || '|' || explained.period_code)::varchar as coverage_key,
    explained.payee_id::varchar as payee_id,
    explained.payee_kind_code::varchar as payee_kind_code,
    explained.period_code::varchar as period_code,
    explained.window_from::date as period_from,
    explained.is_employed::boolean as is_employed,
    explained.is_paid::boolean as is_paid,
    explained.plan_count::integer as plan_count,
    explained.plan_ids::varchar as plan_ids,
    explained.deal_count::bigint as deal_count,
    explained.quota_plan_ids::varchar as quota_gap_plan_ids,
    explained.manager_id::varchar as manager_id,
    explained.pay_group_id::varchar as pay_group_id,
    explained.worker_id::varchar as worker_id,
    explained.has_deals_without_plan::boolean as has_deals_without_plan,
    explained.has_quota_gap::boolean as has_quota_gap,
    explained.is_without_manager::boolean as is_without_manager,
    explained.is_without_pay_group::boolean as is_without_pay_group,
    explained.is_without_worker_id::boolean as is_without_worker_id,
    explained.is_other_currency::boolean as is_other_currency,
    explained.gap_count::integer as gap_count,
    explained.reason_code::varchar as reason_code,
    reason_codes.description::varchar as reason_description,
    reason_codes.fix::varchar as fix
  from explained
  left join reason_codes on explained.reason_code = reason_codes.reason_code
)

select * from final
