-- Sets what a payee has attained in a window against the quota, and reads the window's target incentive.
-- Grain: one row per plan version, payee and window. Rule: docs/rules/attainment.md
with

participants as (
  select * from {{ ref('int_attainment__participants') }}
),

plan_versions as (
  select * from {{ ref('plans') }}
),

moves as (
  select * from {{ ref('int_attainment__moves') }}
),

plan_numbers as (
  select
    numbers.window_key,
    numbers.number_date,
    numbers.number_kind_code,
    numbers.number_value,
    number_dates.is_parameters_date,
    number_dates.day_count
  from {{ ref('int_attainment__plan_numbers') }} as numbers
  inner join {{ ref('int_attainment__number_dates') }} as number_dates
    on
      numbers.window_key = number_dates.window_key
      and numbers.number_date = number_dates.number_date
  where numbers.number_kind_code in ('quota', 'incentive')
),

credited as (
  select
    window_key,
    sum(credited_amount) as credited_amount,
    count(credit_id) as credit_count
  from moves
  group by window_key
),

attained as (
  select
    participants.window_key,
    sum(moves.move_amount) as moved_amount,
    sum(moves.weighed_amount) as weighed_amount,
    sum(moves.weight) as weight
  from participants
  inner join moves
    on
      participants.progress_key = moves.progress_key
      and (participants.measured_to is null or moves.move_date < participants.measured_to)
  group by participants.window_key
),

read_once as (
  select
    window_key,
    max(case when number_kind_code = 'quota' then number_value end) as quota_amount,
    max(case when number_kind_code = 'incentive' then number_value end) as incentive_amount
  from plan_numbers
  where is_parameters_date
  group by window_key
),

read_by_days as (
  select
    window_key,
    sum(case when number_kind_code = 'quota' then number_value * day_count end) as quota_days_amount,
    bool_or(number_kind_code = 'quota' and number_value is null) as is_quota_missing,
    sum(case when number_kind_code = 'incentive' then number_value * day_count end) as incentive_days_amount,
    bool_or(number_kind_code = 'incentive' and number_value is null) as is_incentive_missing
  from plan_numbers
  where day_count > 0
  group by window_key
),

joined as (
  select
    participants.*,
    plan_versions.quota_expression is not null as has_quota,
    plan_versions.aggregate_code,
    coalesce(credited.credited_amount, 0) as credited_amount,
    coalesce(credited.credit_count, 0) as credit_count,
    coalesce(attained.moved_amount, 0) as moved_amount,
    attained.weighed_amount,
    coalesce(attained.weight, 0) as weight,
    {{ dbt.datediff('participants.window_from', 'participants.window_to', 'day') }} as window_days,
    plan_versions.quota_proration_code = 'days_on_plan'
    and participants.calendar_id not in ('transaction', 'life') as is_quota_prorated,
    plan_versions.incentive_proration_code = 'days_on_plan'
    and participants.calendar_id not in ('transaction', 'life') as is_incentive_prorated,
    read_once.quota_amount,
    read_once.incentive_amount,
    case when not read_by_days.is_quota_missing then read_by_days.quota_days_amount end as quota_days_amount,
    case when not read_by_days.is_incentive_missing then read_by_days.incentive_days_amount end
      as incentive_days_amount
  from participants
  inner join plan_versions
    on
      participants.plan_id = plan_versions.plan_id
      and participants.plan_valid_from = plan_versions.valid_from
  left join credited on participants.window_key = credited.window_key
  left join attained on participants.window_key = attained.window_key
  left join read_once on participants.window_key = read_once.window_key
  left join read_by_days on participants.window_key = read_by_days.window_key
),

measured as (
  select
    *,
    case
      when aggregate_code in ('sum', 'count') then cast(moved_amount as decimal(28, 10))
      when weight = 0 then null
      else {{ ratio('cast(weighed_amount as decimal(38, 20))', 'cast(weight as decimal(28, 10))', 20, 10) }}
    end as attained_amount,
    case
      when is_quota_prorated
        then {{ ratio('cast(quota_days_amount as decimal(38, 10))', 'window_days', 10, 0) }}
      else cast(quota_amount as decimal(28, 10))
    end as final_quota_amount,
    cast(case when is_incentive_prorated then incentive_days_amount else incentive_amount end as decimal(28, 10))
      as incentive_numerator,
    case when is_incentive_prorated then window_days else 1 end as incentive_days
  from joined
),

final as (
  select
    window_key::varchar as window_key,
    progress_key::varchar as progress_key,
    plan_id::varchar as plan_id,
    plan_valid_from::date as plan_valid_from,
    payee_id::varchar as payee_id,
    calendar_id::varchar as calendar_id,
    window_code::varchar as window_code,
    window_from::date as window_from,
    window_to::date as window_to,
    measured_to::date as measured_to,
    parameters_date::date as parameters_date,
    currency_code::varchar as currency_code,
    is_there::boolean as is_there,
    credited_amount::decimal(28, 10) as credited_amount,
    credit_count::bigint as credit_count,
    attained_amount::decimal(28, 10) as attained_amount,
    final_quota_amount::decimal(28, 10) as quota_amount,
    incentive_numerator::decimal(28, 10) as incentive_numerator,
    incentive_days::integer as incentive_days,
    ({{ ratio('attained_amount', 'final_quota_amount') }})::decimal(28, 10) as attainment_ratio,
    (
      case
        when not has_quota then 'plan_has_no_quota'
        when final_quota_amount is null then 'missing_quota'
        when final_quota_amount = 0 then 'zero_quota'
      end
    )::varchar as reason_code
  from measured
)

select * from final
