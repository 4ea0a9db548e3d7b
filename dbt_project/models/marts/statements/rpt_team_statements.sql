-- Rolls the statements of a month up to managers: who reported to them on its last day, directly or through others, how far
-- each was towards quota, what is posted, and which approval the plan's month waits for.
-- Grain: one row per manager, member, plan, month and currency. Rule: docs/statements.md
with

statements as (
  select
    *,
    {{ last_day_of(first_of_month('period_code'), 'month') }} as last_day
  from {{ ref('fct_statements') }}
),

reporting_lines as (
  select * from {{ ref('int_parameters__reporting_lines') }}
  where hierarchy_code = 'manager'
),

released_months as (
  select * from {{ ref('rpt_released_months') }}
),

attainment as (
  select
    statement_key,
    max_by(attainment_ratio, window_from) as attainment_ratio,
    max_by(attained_amount, window_from) as attained_amount,
    max_by(quota_amount, window_from) as quota_amount
  from {{ ref('rpt_statement_attainment') }}
  where is_on_last_day
  group by statement_key
),

final as (
  select
    concat_ws('|', reporting_lines.ancestor_id, statements.statement_key)::varchar as team_statement_key,
    reporting_lines.ancestor_id::varchar as manager_id,
    statements.payee_id::varchar as payee_id,
    reporting_lines.level_number::integer as level_number,
    statements.plan_id::varchar as plan_id,
    statements.period_code::varchar as period_code,
    statements.currency_code::varchar as currency_code,
    statements.statement_key::varchar as statement_key,
    statements.state_code::varchar as state_code,
    statements.is_credits_released::boolean as is_credits_released,
    statements.is_rewards_released::boolean as is_rewards_released,
    coalesce(released_months.approvals_needed, 0)::integer as approvals_needed,
    coalesce(released_months.approvals_given, 0)::integer as approvals_given,
    released_months.next_role_code::varchar as next_role_code,
    statements.credited_amount::decimal(28, 10) as credited_amount,
    attainment.attained_amount::decimal(28, 10) as attained_amount,
    attainment.quota_amount::decimal(28, 10) as quota_amount,
    attainment.attainment_ratio::decimal(28, 10) as attainment_ratio,
    (
      case
        when attainment.attainment_ratio is not null
          then rank() over (
            partition by reporting_lines.ancestor_id, statements.plan_id, statements.period_code, statements.currency_code
            order by attainment.attainment_ratio desc nulls last
          )
      end
    )::integer as attainment_rank,
    statements.posted_amount::decimal(18, 4) as posted_amount,
    statements.year_to_date_amount::decimal(18, 4) as year_to_date_amount,
    statements.withheld_closing_amount::decimal(18, 4) as withheld_closing_amount,
    statements.held_amount::decimal(18, 4) as held_amount
  from statements
  inner join reporting_lines
    on
      statements.payee_id = reporting_lines.payee_id
      and {{ in_force('statements.last_day', 'reporting_lines') }}
  left join released_months
    on
      statements.plan_id = released_months.plan_id
      and statements.period_code = released_months.period_code
  left join attainment on statements.statement_key = attainment.statement_key
)

select * from final
