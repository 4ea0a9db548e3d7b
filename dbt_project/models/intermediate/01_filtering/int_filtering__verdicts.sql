-- Gives every transaction a verdict under every plan that names its source object: eligible, or the first reason
-- that holds. A transaction of an object that no plan names gets one row without a plan.
-- Grain: one row a transaction and plan. Rule: docs/rules/filtering.md
with

transactions as (
  select * from {{ ref('int_pool__transactions') }}
),

plan_versions as (
  select * from {{ ref('plans') }}
),

filter_results as (
  select * from {{ ref('int_filtering__filter_results') }}
),

matched_aliases as (
  select * from {{ ref('int_parameters__payee_aliases') }}
),

manual_aliases as (
  select * from {{ ref('payee_aliases') }}
),

payees as (
  select * from {{ ref('int_parameters__payees') }}
),

plans as (
  select distinct
    plan_id,
    source_object
  from plan_versions
),

candidates as (
  select
    transactions.*,
    plans.plan_id,
    plan_versions.valid_from as plan_valid_from,
    plan_versions.credit_method_code,
    filter_results.is_filter_met,
    payees.payee_id as owner_payee_id
  from transactions
  left join plans on transactions.source_system || '/' || transactions.source_object = plans.source_object
  left join plan_versions
    on
      plans.plan_id = plan_versions.plan_id
      and plans.source_object = plan_versions.source_object
      and {{ in_force('transactions.booked_date', 'plan_versions') }}
  left join filter_results
    on
      plan_versions.plan_id = filter_results.plan_id
      and plan_versions.valid_from = filter_results.plan_valid_from
      and transactions.transaction_id = filter_results.transaction_id
  left join manual_aliases
    on
      transactions.source_system = manual_aliases.source_system
      and transactions.owner_alias = manual_aliases.alias
      and {{ in_force('transactions.booked_date', 'manual_aliases') }}
  left join matched_aliases
    on
      transactions.source_system = matched_aliases.source_system
      and transactions.owner_alias = matched_aliases.alias
  left join payees on coalesce(manual_aliases.payee_id, matched_aliases.payee_id) = payees.payee_id
),

judged as (
  select
    *,
    case
      when plan_id is null then 'no_plan_for_source'
      when is_deleted_in_source then 'deleted_in_source'
      when booked_date > {{ as_of_date() }} then 'after_as_of_date'
      when not is_closed_won then 'status_not_eligible'
      when booked_date is null then 'missing_booked_date'
      when plan_valid_from is null then 'outside_period'
      when not coalesce(is_filter_met, false) then 'filter_not_met'
      when credit_method_code <> 'territory' and owner_alias is null then 'missing_owner'
      when credit_method_code <> 'territory' and owner_payee_id is null then 'owner_not_in_hris'
    end as reason_code
  from candidates
),

final as (
  select
    (transaction_id || '|' || coalesce(plan_id, ''))::varchar as verdict_key,
    transaction_id::varchar as transaction_id,
    plan_id::varchar as plan_id,
    plan_valid_from::date as plan_valid_from,
    booked_date::date as booked_date,
    owner_payee_id::varchar as owner_payee_id,
    (case when reason_code is null then 'eligible' else 'skipped' end)::varchar as verdict_code,
    reason_code::varchar as reason_code
  from judged
)

select * from final
