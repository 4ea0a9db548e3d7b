-- Gives every transaction a verdict under every plan that names its source object: eligible, or the first reason
-- that holds. A transaction of an object that no plan names gets one row without a plan.
-- Grain: one row per transaction and plan. Rule: docs/rules/filtering.md
with

transactions as (
  select
    *,
    source_system || '/' || source_object as pool_object
  from {{ ref('int_pool__transaction_versions') }}
),

plan_versions as (
  select * from {{ ref('plans') }}
),

-- A version that does not take the transaction needs no row: the join below leaves it empty, and empty is false.
filter_results as (
  select * from {{ ref('int_filtering__filter_results') }}
  where
    is_filter_met
    or is_variable_missing
),

owners as (
  select * from {{ ref('int_parameters__owners') }}
),

credit_rules as (
  select * from {{ ref('credit_rules') }}
),

payout_terms as (
  select * from {{ ref('int_parameters__payout_terms') }}
),

plans as (
  select
    plan_versions.plan_id,
    plan_versions.source_object,
    {{ version_code('plan_versions') }} as version_code,
    bool_or(plan_versions.credit_event_code = 'collection') as is_collecting
  from plan_versions
  group by all
),

planned_objects as (
  select distinct source_object
  from plan_versions
),

booked_days as (
  select distinct booked_date
  from transactions
  where booked_date is not null
),

days_without_need_of_an_owner as (
  select distinct
    credit_rules.plan_id,
    booked_days.booked_date
  from booked_days
  inner join credit_rules
    on
      credit_rules.recipient_code <> 'owner'
      and {{ in_force('booked_days.booked_date', 'credit_rules') }}
),

owned as (
  select
    transactions.*,
    owners.payee_id as owner_payee_id
  from transactions
  left join owners
    on
      transactions.source_system = owners.source_system
      and transactions.owner_alias = owners.alias
      and {{ in_force('transactions.booked_date', 'owners') }}
),

candidates as (
  select
    owned.*,
    plans.plan_id,
    plan_versions.valid_from as plan_valid_from,
    coalesce(filter_results.is_filter_met, false) as is_filter_met,
    coalesce(filter_results.is_variable_missing, false) as is_variable_missing,
    days_without_need_of_an_owner.plan_id is null as is_owner_needed,
    plans.is_collecting and booked_versions.credit_event_code <> owned.credit_event_code as is_other_event,
    owned.payment_kind_code = 'credit_memo' and payout_terms.rebate_code = 'uncollected' as is_uncounted_memo
  from owned
  left join plans
    on
      owned.pool_object = plans.source_object
      and owned.version_code = plans.version_code
      and (owned.credit_event_code = 'booking' or plans.is_collecting)
  left join plan_versions as booked_versions
    on
      plans.is_collecting
      and plans.plan_id = booked_versions.plan_id
      and plans.source_object = booked_versions.source_object
      and {{ in_force('owned.deal_booked_date', 'booked_versions') }}
  left join payout_terms
    on
      owned.credit_event_code = 'collection'
      and plans.plan_id = payout_terms.plan_id
      and {{ in_force('owned.deal_booked_date', 'payout_terms') }}
  left join plan_versions
    on
      plans.plan_id = plan_versions.plan_id
      and plans.source_object = plan_versions.source_object
      and {{ in_force('owned.booked_date', 'plan_versions') }}
  left join filter_results
    on
      plan_versions.plan_id = filter_results.plan_id
      and plan_versions.valid_from = filter_results.plan_valid_from
      and owned.transaction_id = filter_results.transaction_id
  left join days_without_need_of_an_owner
    on
      plans.plan_id = days_without_need_of_an_owner.plan_id
      and owned.booked_date = days_without_need_of_an_owner.booked_date
  left join planned_objects on owned.pool_object = planned_objects.source_object
  where
    plans.plan_id is not null
    or planned_objects.source_object is null
),

judged as (
  select
    *,
    case
      when plan_id is null then 'no_plan_for_source'
      when is_deleted_in_source then 'deleted_in_source'
      when deal_booked_date > {{ as_of_date() }} then 'after_as_of_date'
      when not is_closed_won then 'status_not_eligible'
      when deal_booked_date is null then 'missing_booked_date'
      when plan_valid_from is null then 'outside_period'
      when is_variable_missing then 'missing_filter_variable'
      when not is_filter_met then 'filter_not_met'
      when is_owner_needed and owner_alias is null then 'missing_owner'
      when is_owner_needed and owner_payee_id is null then 'owner_not_in_hris'
      when is_other_event and credit_event_code = 'booking' then 'credited_on_collection'
      when is_other_event then 'credited_on_booking'
      when is_uncounted_memo then 'memo_not_counted'
    end as reason_code
  from candidates
),

final as (
  select
    (transaction_id || '|' || coalesce(plan_id, ''))::varchar as verdict_key,
    transaction_id::varchar as transaction_id,
    version_code::varchar as version_code,
    plan_id::varchar as plan_id,
    plan_valid_from::date as plan_valid_from,
    booked_date::date as booked_date,
    owner_alias::varchar as owner_alias,
    owner_payee_id::varchar as owner_payee_id,
    is_filter_met::boolean as is_filter_met,
    (case when reason_code is null then 'eligible' else 'skipped' end)::varchar as verdict_code,
    reason_code::varchar as reason_code
  from judged
)

select * from final
