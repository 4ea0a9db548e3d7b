-- Says of each payee and month whether everything is there that commission needs: employment, plan, quota, manager, pay
-- group, worker id, currency; with the first thing that is missing and what to do about it.
-- Grain: one row per payee and month in which the payee is employed, on a plan, paid, or the owner of a won deal.
-- Rule: docs/administration.md
with

payee_months as (
  select * from {{ ref('int_parameters__payee_months') }}
),

plan_months as (
  select * from {{ ref('int_parameters__plan_months') }}
),

paid_months as (
  select distinct
    payee_id,
    period_code
  from {{ ref('fct_payouts') }}
),

worker_ids as (
  select * from {{ ref('worker_ids') }}
),

groups_with_worker_ids as (
  select distinct pay_group_id
  from worker_ids
),

reason_codes as (
  select * from {{ ref('reason_codes') }}
),

quota_gap_months as (
  select
    plan_months.payee_id,
    plan_months.period_code,
    bool_or(windows.reason_code = 'missing_quota') as is_quota_missing,
    string_agg(distinct windows.plan_id, ', ' order by windows.plan_id) as plan_ids
  from plan_months
  inner join payee_months
    on
      plan_months.payee_id = payee_months.payee_id
      and plan_months.period_code = payee_months.period_code
  inner join {{ ref('int_attainment__windows') }} as windows
    on
      plan_months.plan_id = windows.plan_id
      and plan_months.payee_id = windows.payee_id
      and windows.window_from < payee_months.period_to
      and (windows.window_to is null or payee_months.period_from < windows.window_to)
  where windows.reason_code in ('missing_quota', 'zero_quota')
  group by plan_months.payee_id, plan_months.period_code
),

other_currency_months as (
  select distinct
    payee_months.payee_id,
    payee_months.period_code
  from payee_months
  inner join plan_months
    on
      payee_months.payee_id = plan_months.payee_id
      and payee_months.period_code = plan_months.period_code
      and payee_months.pay_group_currency_code <> plan_months.currency_code
),

looked_at_months as (
  select
    payee_months.*,
    worker_ids.worker_id,
    paid_months.payee_id is not null as is_paid,
    payee_months.plan_count > 0 or paid_months.payee_id is not null as is_pay_group_needed,
    groups_with_worker_ids.pay_group_id is not null as has_worker_ids,
    other_currency_months.payee_id is not null as is_other_currency,
    quota_gap_months.is_quota_missing,
    quota_gap_months.plan_ids as quota_gap_plan_ids
  from payee_months
  left join paid_months
    on
      payee_months.payee_id = paid_months.payee_id
      and payee_months.period_code = paid_months.period_code
  left join worker_ids
    on
      payee_months.pay_group_id = worker_ids.pay_group_id
      and payee_months.payee_id = worker_ids.payee_id
  left join groups_with_worker_ids on payee_months.pay_group_id = groups_with_worker_ids.pay_group_id
  left join other_currency_months
    on
      payee_months.payee_id = other_currency_months.payee_id
      and payee_months.period_code = other_currency_months.period_code
  left join quota_gap_months
    on
      payee_months.payee_id = quota_gap_months.payee_id
      and payee_months.period_code = quota_gap_months.period_code
  where
    payee_months.plan_count > 0
    or paid_months.payee_id is not null
    or (payee_months.payee_kind_code = 'person' and (payee_months.is_employed or payee_months.deal_count > 0))
),

-- What is missing, in the order in which it is named.
months_with_gaps as (
  select
    *,
    {{ filled("[
      case when payee_kind_code = 'unknown' then 'assigned_payee_unknown' end,
      case when payee_kind_code = 'person' and plan_count > 0 and not is_employed then 'plan_outside_employment' end,
      case when deal_count > 0 and plan_count = 0 then 'deals_without_plan' end,
      case when is_quota_missing then 'missing_quota' when not is_quota_missing then 'zero_quota' end,
      case when is_manager_needed and manager_id is null then 'no_manager' end,
      case when is_pay_group_needed and pay_group_id is null then 'no_pay_group' end,
      case when is_pay_group_needed and has_worker_ids and worker_id is null then 'no_worker_id' end,
      case when is_other_currency then 'other_currency' end,
      case when plan_count = 0 and deal_count = 0 then 'no_plan' end
    ]") }} as gap_codes
  from looked_at_months
),

final as (
  select
    (months_with_gaps.payee_id || '|' || months_with_gaps.period_code)::varchar as coverage_key,
    months_with_gaps.payee_id::varchar as payee_id,
    months_with_gaps.payee_kind_code::varchar as payee_kind_code,
    months_with_gaps.period_code::varchar as period_code,
    months_with_gaps.period_from::date as period_from,
    months_with_gaps.is_employed::boolean as is_employed,
    months_with_gaps.is_paid::boolean as is_paid,
    months_with_gaps.plan_count::integer as plan_count,
    months_with_gaps.plan_ids::varchar as plan_ids,
    months_with_gaps.deal_count::bigint as deal_count,
    months_with_gaps.quota_gap_plan_ids::varchar as quota_gap_plan_ids,
    months_with_gaps.manager_id::varchar as manager_id,
    months_with_gaps.pay_group_id::varchar as pay_group_id,
    months_with_gaps.worker_id::varchar as worker_id,
    ('deals_without_plan' in months_with_gaps.gap_codes)::boolean as has_deals_without_plan,
    (months_with_gaps.is_quota_missing is not null)::boolean as has_quota_gap,
    ('no_manager' in months_with_gaps.gap_codes)::boolean as is_without_manager,
    ('no_pay_group' in months_with_gaps.gap_codes)::boolean as is_without_pay_group,
    ('no_worker_id' in months_with_gaps.gap_codes)::boolean as is_without_worker_id,
    months_with_gaps.is_other_currency::boolean as is_other_currency,
    len(months_with_gaps.gap_codes)::integer as gap_count,
    months_with_gaps.gap_codes[1]::varchar as reason_code,
    reason_codes.description::varchar as reason_description,
    reason_codes.fix::varchar as fix
  from months_with_gaps
  left join reason_codes on months_with_gaps.gap_codes[1] = reason_codes.reason_code
)

select * from final
