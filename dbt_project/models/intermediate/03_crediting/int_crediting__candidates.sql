-- Gives each recipient their part of the value and carries it up the hierarchies of the plan, level by level; gives
-- each recipient who cannot be credited a reason.
-- Grain: one row per credit that is made or refused. Rule: docs/rules/crediting.md
with

valued as (
  select * from {{ ref('int_valuation__values') }}
),

recipients as (
  select * from {{ ref('int_crediting__recipients') }}
),

rollup_levels as (
  select * from {{ ref('rollup_levels') }}
),

reporting_lines as (
  select * from {{ ref('int_parameters__reporting_lines') }}
),

payees as (
  select * from {{ ref('int_parameters__payees') }}
),

employment_spans as (
  select * from {{ ref('int_parameters__employment_spans') }}
),

payments as (
  select * from {{ ref('int_pool__transactions') }}
  where credit_event_code = 'collection'
),

payout_terms as (
  select * from {{ ref('int_parameters__payout_terms') }}
),

assignments as (
  select * from {{ ref('plan_assignments') }}
),

windows as (
  select * from {{ ref('int_parameters__windows') }}
),

unrated as (
  select * from {{ ref('int_crediting__unrated_transactions') }}
),

rolling_plans as (
  select distinct plan_id
  from rollup_levels
),

valued_recipients as (
  select
    recipients.*,
    valued.value_amount,
    valued.payable_amount,
    valued.plan_valid_from,
    valued.credit_date,
    valued.calendar_id,
    valued.currency_code,
    {{ share_of_amount('valued.value_amount') }} as shared_amount,
    rolling_plans.plan_id is not null as is_rolling
  from recipients
  inner join valued
    on
      recipients.plan_id = valued.plan_id
      and recipients.transaction_id = valued.transaction_id
  left join rolling_plans on recipients.plan_id = rolling_plans.plan_id
),

shared as (
  select
    *,
    case
      when payable_amount = value_amount then shared_amount
      else {{ share_of_amount('payable_amount') }}
    end as shared_payable_amount
  from valued_recipients
),

at_level_zero as (
  select
    shared.*,
    shared.payee_id as credited_payee_id,
    shared.credit_type_code as level_credit_type_code,
    0 as level_number,
    case when shared.is_rolling then rollup_levels.level_factor else 1 end as level_factor
  from shared
  left join rollup_levels
    on
      shared.is_rolling
      and shared.plan_id = rollup_levels.plan_id
      and rollup_levels.level_number = 0
      and {{ in_force('shared.credit_date', 'rollup_levels') }}
  where
    shared.reason_code is not null
    or not shared.is_rolling
    or rollup_levels.plan_id is not null
),

above as (
  select
    shared.*,
    reporting_lines.ancestor_id as credited_payee_id,
    'rollup' as level_credit_type_code,
    reporting_lines.level_number,
    rollup_levels.level_factor,
    rollup_levels.hierarchy_code
  from shared
  inner join rollup_levels
    on
      shared.is_rolling
      and shared.plan_id = rollup_levels.plan_id
      and rollup_levels.level_number > 0
      and {{ in_force('shared.credit_date', 'rollup_levels') }}
  inner join reporting_lines
    on
      rollup_levels.hierarchy_code = reporting_lines.hierarchy_code
      and rollup_levels.level_number = reporting_lines.level_number
      and shared.payee_id = reporting_lines.payee_id
      and {{ in_force('shared.credit_date', 'reporting_lines') }}
  where shared.reason_code is null
),

-- A payee of two teams can reach one leader twice.
above_once as (
  select *
  from above
  where hierarchy_code = 'manager'
  union all
  select distinct *
  from above
  where hierarchy_code = 'team'
),

candidates as (
  select
    *,
    cast(null as varchar) as hierarchy_code
  from at_level_zero
  union all
  select * from above_once
),

-- Who is away on the day of a payment and was there when its deal was booked: on leave they are credited, after leaving by
-- the plan's terms.
away as (
  select
    candidates.plan_id,
    candidates.transaction_id,
    candidates.credited_payee_id,
    candidates.credit_date,
    payments.deal_booked_date
  from candidates
  inner join payments on candidates.transaction_id = payments.transaction_id
  inner join employment_spans as booked_spans
    on
      candidates.credited_payee_id = booked_spans.payee_id
      and booked_spans.employment_code = 'employed'
      and {{ in_force('payments.deal_booked_date', 'booked_spans') }}
  left join employment_spans as there
    on
      candidates.credited_payee_id = there.payee_id
      and there.employment_code = 'employed'
      and {{ in_force('candidates.credit_date', 'there') }}
  where there.payee_id is null
),

absent as (
  select
    away.plan_id,
    away.transaction_id,
    away.credited_payee_id,
    payout_terms.leaver_code,
    payout_terms.leaver_days,
    max(left_spans.valid_to) as left_date
  from away
  inner join payout_terms
    on
      away.plan_id = payout_terms.plan_id
      and {{ in_force('away.deal_booked_date', 'payout_terms') }}
  left join employment_spans as left_spans
    on
      away.credited_payee_id = left_spans.payee_id
      and left_spans.valid_to <= away.credit_date
  group by all
),

checked as (
  select
    candidates.*,
    windows.window_code,
    windows.window_from,
    windows.window_to,
    case
      when candidates.reason_code is not null then candidates.reason_code
      when
        payees.payee_id is not null and employment_spans.payee_id is null
        and not coalesce({{ is_paid_to_leaver("'forfeit'", 'candidates.credit_date', 'absent') }}, false)
        then 'payee_not_employed'
      when employment_spans.employment_code = 'leave' and absent.transaction_id is null then 'payee_on_leave'
      when assignments.payee_id is null then 'no_plan_assignment'
      when candidates.calendar_id <> 'transaction' and windows.window_code is null then 'no_attainment_window'
      when unrated.transaction_id is not null then 'missing_rate'
    end as final_reason_code
  from candidates
  left join payees on candidates.credited_payee_id = payees.payee_id
  left join employment_spans
    on
      candidates.credited_payee_id = employment_spans.payee_id
      and {{ in_force('candidates.credit_date', 'employment_spans') }}
  left join absent
    on
      candidates.plan_id = absent.plan_id
      and candidates.transaction_id = absent.transaction_id
      and candidates.credited_payee_id = absent.credited_payee_id
  left join assignments
    on
      candidates.plan_id = assignments.plan_id
      and candidates.credited_payee_id = assignments.payee_id
      and {{ in_force('candidates.credit_date', 'assignments') }}
  left join windows
    on
      candidates.calendar_id = windows.calendar_id
      and {{ in_force('candidates.credit_date', 'windows', 'window_from', 'window_to') }}
  left join unrated
    on
      candidates.plan_id = unrated.plan_id
      and candidates.transaction_id = unrated.transaction_id
),

final as (
  select
    (
      plan_id || '|' || transaction_id || '|' || level_credit_type_code || '|' || coalesce(credited_payee_id, '') || '|'
      || cast(level_number as varchar) || '|' || rule_group || '|' || recipient
    )::varchar as credit_id,
    transaction_id::varchar as transaction_id,
    plan_id::varchar as plan_id,
    plan_valid_from::date as plan_valid_from,
    credited_payee_id::varchar as payee_id,
    level_credit_type_code::varchar as credit_type_code,
    rule_group::varchar as rule_group,
    rule_id::varchar as rule_id,
    recipient::varchar as recipient,
    level_number::integer as level_number,
    level_factor::decimal(18, 10) as level_factor,
    credit_date::date as credit_date,
    calendar_id::varchar as calendar_id,
    (case when calendar_id = 'transaction' then 'transaction' else window_code end)::varchar as window_code,
    (case when calendar_id = 'transaction' then credit_date else window_from end)::date as window_from,
    (case when calendar_id = 'transaction' then {{ add_days('credit_date', 1) }} else window_to end)::date
      as window_to,
    currency_code::varchar as currency_code,
    (
      case when level_factor = 1 then shared_amount else round(shared_amount * level_factor, 10) end
    )::decimal(28, 10) as candidate_amount,
    (
      case when level_factor = 1 then shared_payable_amount else round(shared_payable_amount * level_factor, 10) end
    )::decimal(28, 10) as candidate_payable_amount,
    final_reason_code::varchar as reason_code
  from checked
)

select * from final
