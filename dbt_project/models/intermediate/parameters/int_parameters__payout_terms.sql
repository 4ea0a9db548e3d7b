-- Says for every plan and booking date which terms hold: the rows of the seed, and the defaults before, between and after
-- them. Spans of one plan follow each other without a gap, from the first day to the last.
-- Grain: one row per plan and span of booking dates. Rule: docs/rules/payouts.md
with

plans as (
  select distinct plan_id
  from {{ ref('plans') }}
),

terms as (
  select
    *,
    true as is_agreed
  from {{ ref('payout_terms') }}
),

first_gaps as (
  select
    plans.plan_id,
    cast('-infinity' as date) as valid_from,
    min(terms.valid_from) as valid_to
  from plans
  left join terms on plans.plan_id = terms.plan_id
  group by plans.plan_id
),

later_gaps as (
  select
    plan_id,
    valid_to as valid_from,
    lead(valid_from) over (
      partition by plan_id
      order by valid_from
    ) as valid_to
  from terms
),

gaps as (
  select * from first_gaps
  union all
  select * from later_gaps
  where
    valid_from is not null
    and valid_from is distinct from valid_to
),

united as (
  select * exclude (source_document) from terms
  union all by name
  select
    *,
    'net' as collected_part_code,
    'uncollected' as rebate_code,
    'capped' as overpayment_code,
    'original_rate' as clawback_policy_code,
    'paid' as clawback_base_code,
    'none' as clawback_proration_code,
    0 as hold_days,
    false as is_agreed
  from gaps
),

final as (
  select
    plan_id::varchar as plan_id,
    valid_from::date as valid_from,
    valid_to::date as valid_to,
    collected_part_code::varchar as collected_part_code,
    rebate_code::varchar as rebate_code,
    overpayment_code::varchar as overpayment_code,
    expire_after_days::integer as expire_after_days,
    clawback_policy_code::varchar as clawback_policy_code,
    clawback_base_code::varchar as clawback_base_code,
    clawback_window_days::integer as clawback_window_days,
    clawback_proration_code::varchar as clawback_proration_code,
    unpaid_after_days::integer as unpaid_after_days,
    cancelled_date_expression::varchar as cancelled_date_expression,
    hold_days::integer as hold_days,
    coalesce(holdback_ratio, 0)::decimal(12, 10) as holdback_ratio,
    holdback_release_code::varchar as holdback_release_code,
    holdback_days::integer as holdback_days,
    leaver_code::varchar as leaver_code,
    leaver_days::integer as leaver_days,
    is_agreed::boolean as is_agreed
  from united
)

select * from final
