-- Says where a payee stood at the end of a month whose credits are released: attained of the quota, the tier reached, the
-- next one, and what is missing to it.
-- Grain: one row per released month, plan version, payee and window. Rule: docs/statements.md
with

windows as (
  select * from {{ ref('int_attainment__windows') }}
  where calendar_id <> 'transaction'
),

released_months as (
  select * from {{ ref('rpt_released_months') }}
  where is_credits_released
),

payees as (
  select * from {{ ref('dim_payees') }}
  where payee_kind_code = 'person'
),

moves as (
  select * from {{ ref('int_attainment__moves') }}
),

plan_versions as (
  select * from {{ ref('plans') }}
),

curves as (
  select * from {{ ref('int_rewards__tier_curves') }}
),

dated as (
  select
    windows.*,
    released_months.period_code,
    {{ earlier_end('released_months.period_to', 'windows.measured_to') }} as counted_to,
    {{ in_force(add_days('released_months.period_to', '-1'), 'windows', 'parameters_date', 'measured_to') }}
      as is_on_last_day
  from windows
  inner join payees on windows.payee_id = payees.payee_id
  inner join released_months
    on
      windows.plan_id = released_months.plan_id
      and windows.parameters_date < released_months.period_to
      and (windows.measured_to is null or released_months.period_from < windows.measured_to)
),

moved as (
  select
    dated.window_key,
    dated.period_code,
    sum(moves.move_amount) as moved_amount,
    sum(moves.weighed_amount) as weighed_amount,
    sum(moves.weight) as weight
  from dated
  inner join moves
    on
      dated.progress_key = moves.progress_key
      and moves.move_date < dated.counted_to
  group by dated.window_key, dated.period_code
),

measured as (
  select
    dated.*,
    plan_versions.tier_method_code,
    plan_versions.aggregate_code,
    plan_versions.source_document,
    case
      when plan_versions.aggregate_code in ('sum', 'count')
        then cast(coalesce(moved.moved_amount, 0) as decimal(28, 10))
      when coalesce(moved.weight, 0) = 0 then null
      else {{ ratio('cast(moved.weighed_amount as decimal(38, 20))', 'cast(moved.weight as decimal(28, 10))', 20, 10) }}
    end as attained_to_date_amount
  from dated
  inner join plan_versions
    on
      dated.plan_id = plan_versions.plan_id
      and dated.plan_valid_from = plan_versions.valid_from
  left join moved
    on
      dated.window_key = moved.window_key
      and dated.period_code = moved.period_code
),

next_tiers as (
  select
    measured.window_key,
    measured.period_code,
    min(curves.tier_number) as tier_number
  from measured
  inner join curves
    on
      measured.window_key = curves.window_key
      and (
        curves.start_amount > measured.attained_to_date_amount
        or (
          curves.tier_bound_code = 'upper_inclusive'
          and not curves.is_first
          and curves.start_amount = measured.attained_to_date_amount
        )
      )
  group by measured.window_key, measured.period_code
),

final as (
  select
    concat_ws('|', measured.period_code, measured.window_key)::varchar as attainment_key,
    concat_ws('|', measured.payee_id, measured.plan_id, measured.period_code, measured.currency_code)::varchar
      as statement_key,
    measured.payee_id::varchar as payee_id,
    measured.plan_id::varchar as plan_id,
    measured.plan_valid_from::date as plan_valid_from,
    measured.period_code::varchar as period_code,
    measured.currency_code::varchar as currency_code,
    measured.window_key::varchar as window_key,
    measured.calendar_id::varchar as calendar_id,
    measured.window_code::varchar as window_code,
    measured.window_from::date as window_from,
    measured.window_to::date as window_to,
    measured.counted_to::date as counted_to,
    coalesce(measured.is_on_last_day, false)::boolean as is_on_last_day,
    measured.aggregate_code::varchar as aggregate_code,
    measured.tier_method_code::varchar as tier_method_code,
    measured.attained_to_date_amount::decimal(28, 10) as attained_amount,
    measured.quota_amount::decimal(28, 10) as quota_amount,
    ({{ ratio('measured.attained_to_date_amount', 'measured.quota_amount') }})::decimal(28, 10) as attainment_ratio,
    reached.tier_number::integer as tier_number,
    reached.rate::decimal(28, 10) as rate,
    next_curves.tier_number::integer as next_tier_number,
    next_curves.rate::decimal(28, 10) as next_rate,
    next_curves.start_amount::decimal(28, 10) as next_tier_from_amount,
    (next_curves.start_amount - measured.attained_to_date_amount)::decimal(28, 10) as missing_amount,
    next_curves.tier_bound_code::varchar as tier_bound_code,
    measured.source_document::varchar as plan_document
  from measured
  left join curves as reached
    on
      measured.window_key = reached.window_key
      and {{ is_in_tier('measured.attained_to_date_amount', 'reached') }}
  left join next_tiers
    on
      measured.window_key = next_tiers.window_key
      and measured.period_code = next_tiers.period_code
  left join curves as next_curves
    on
      measured.window_key = next_curves.window_key
      and next_tiers.tier_number = next_curves.tier_number
)

select * from final
