-- Adds up a statement: what is brought forward in the year, what was credited, earned, taken back, corrected, adjusted and
-- advanced, what is posted, and what still waits. Amounts are empty until they are released: credits with the credits of the
-- plan's month, all others with its rewards. Who is on a plan has a statement of it, also without a line.
-- Grain: one row per payee, plan, month and currency. Rule: docs/statements.md
{% set sections = [
  ('earned', 'earned'),
  ('from_hold', 'from_hold'),
  ('clawback', 'clawback'),
  ('correction', 'correction'),
  ('adjustment', 'adjustment'),
  ('draw', 'draw_advance'),
  ('draw_recovery', 'draw_recovery'),
] %}
with

ledger_lines as (
  select * from {{ ref('fct_ledger_lines') }}
),

payees as (
  select * from {{ ref('dim_payees') }}
  where payee_kind_code = 'person'
),

released_months as (
  select * from {{ ref('rpt_released_months') }}
),

lines as (
  select
    statement_key,
    {% for section, name in sections %}
      sum(case when section_code = '{{ section }}' then line_amount else 0 end) as {{ name }}_amount,
    {% endfor %}
    sum(line_amount) as posted_amount,
    count(*) as line_count
  from {{ ref('rpt_statement_lines') }}
  group by statement_key
),

credits as (
  select
    statement_key,
    sum(credited_amount) as credited_amount,
    count(*) as credit_count
  from {{ ref('rpt_statement_credits') }}
  group by statement_key
),

withheld as (
  select * from {{ ref('rpt_withheld_balances') }}
),

held as (
  select
    statement_key,
    payee_id,
    plan_id,
    period_code,
    currency_code,
    sum(waiting_amount) as held_amount
  from {{ ref('rpt_statement_waiting') }}
  where waiting_code = 'held'
  group by statement_key, payee_id, plan_id, period_code, currency_code
),

draws as (
  select * from {{ ref('fct_draw_balances') }}
),

attainment as (
  select * from {{ ref('rpt_statement_attainment') }}
),

statements as (
  select
    payee_id,
    plan_id,
    posted_period_code as period_code,
    currency_code
  from ledger_lines
  union
  select
    payee_id,
    plan_id,
    period_code,
    currency_code
  from attainment
  union
  select
    credits.payee_id,
    credits.plan_id,
    {{ month_code('credits.credit_date') }} as period_code,
    credits.currency_code
  from {{ ref('fct_credits') }} as credits
  inner join payees on credits.payee_id = payees.payee_id
  union
  select
    payee_id,
    plan_id,
    period_code,
    currency_code
  from withheld
  where
    opening_amount <> 0
    or closing_amount <> 0
  union
  select
    payee_id,
    plan_id,
    period_code,
    currency_code
  from draws
  union
  select
    payee_id,
    plan_id,
    period_code,
    currency_code
  from held
),

latest_draws as (
  select
    statements.payee_id,
    statements.plan_id,
    statements.period_code,
    statements.currency_code,
    draws.draw_id,
    coalesce(
      max_by(draws.balance_after_amount, draws.period_code) filter (where draws.period_code < statements.period_code), 0
    ) as opening_amount,
    max_by(draws.balance_after_amount, draws.period_code) as closing_amount
  from statements
  inner join draws
    on
      statements.payee_id = draws.payee_id
      and statements.plan_id = draws.plan_id
      and statements.currency_code = draws.currency_code
      and statements.period_code >= draws.period_code
  group by
    statements.payee_id,
    statements.plan_id,
    statements.period_code,
    statements.currency_code,
    draws.draw_id
),

draw_balances as (
  select
    payee_id,
    plan_id,
    period_code,
    currency_code,
    sum(opening_amount) as opening_amount,
    sum(closing_amount) as closing_amount
  from latest_draws
  group by payee_id, plan_id, period_code, currency_code
),

judged as (
  select
    statements.*,
    concat_ws('|', statements.payee_id, statements.plan_id, statements.period_code, statements.currency_code)
      as statement_key,
    coalesce(released_months.state_code, 'draft') as state_code,
    coalesce(released_months.is_stale, false) as is_stale,
    coalesce(released_months.is_credits_released, false) as is_credits_released,
    coalesce(released_months.is_rewards_released, false) as is_rewards_released
  from statements
  left join released_months
    on
      statements.plan_id = released_months.plan_id
      and statements.period_code = released_months.period_code
),

joined as (
  select
    judged.*,
    case when judged.is_credits_released then coalesce(credits.credited_amount, 0) end as credited_amount,
    case when judged.is_credits_released then coalesce(credits.credit_count, 0) end as credit_count,
    {% for section, name in sections %}
      case when judged.is_rewards_released then coalesce(lines.{{ name }}_amount, 0) end as {{ name }}_amount,
    {% endfor %}
    case when judged.is_rewards_released then coalesce(lines.posted_amount, 0) end as posted_amount,
    case when judged.is_rewards_released then coalesce(lines.line_count, 0) end as line_count,
    case when judged.is_rewards_released then coalesce(withheld.opening_amount, 0) end as withheld_opening_amount,
    case when judged.is_rewards_released then coalesce(withheld.estimated_amount, 0) end as withheld_established_amount,
    case when judged.is_rewards_released then coalesce(withheld.earned_amount, 0) end as withheld_earned_amount,
    case when judged.is_rewards_released then coalesce(withheld.expired_amount - withheld.revived_amount, 0) end
      as withheld_expired_amount,
    case when judged.is_rewards_released then coalesce(withheld.closing_amount, 0) end as withheld_closing_amount,
    case when judged.is_rewards_released then coalesce(held.held_amount, 0) end as held_amount,
    case when judged.is_rewards_released then coalesce(draw_balances.opening_amount, 0) end as draw_opening_amount,
    case when judged.is_rewards_released then coalesce(draw_balances.closing_amount, 0) end as draw_closing_amount
  from judged
  left join lines on judged.statement_key = lines.statement_key
  left join credits on judged.statement_key = credits.statement_key
  left join held on judged.statement_key = held.statement_key
  left join withheld
    on
      judged.payee_id = withheld.payee_id
      and judged.plan_id = withheld.plan_id
      and judged.period_code = withheld.period_code
      and judged.currency_code = withheld.currency_code
  left join draw_balances
    on
      judged.payee_id = draw_balances.payee_id
      and judged.plan_id = draw_balances.plan_id
      and judged.period_code = draw_balances.period_code
      and judged.currency_code = draw_balances.currency_code
),

in_years as (
  select
    *,
    sum(posted_amount) over each_year as year_to_date_amount,
    bool_and(is_rewards_released) over each_year as is_year_released
  from joined
  window each_year as (
    partition by payee_id, plan_id, currency_code, extract(year from {{ first_of_month('period_code') }})
    order by period_code
    rows between unbounded preceding and current row
  )
),

final as (
  select
    statement_key::varchar as statement_key,
    payee_id::varchar as payee_id,
    plan_id::varchar as plan_id,
    period_code::varchar as period_code,
    currency_code::varchar as currency_code,
    state_code::varchar as state_code,
    is_stale::boolean as is_stale,
    is_credits_released::boolean as is_credits_released,
    is_rewards_released::boolean as is_rewards_released,
    is_year_released::boolean as is_year_released,
    credit_count::bigint as credit_count,
    credited_amount::decimal(28, 10) as credited_amount,
    (year_to_date_amount - posted_amount)::decimal(18, 4) as year_opening_amount,
    earned_amount::decimal(18, 4) as earned_amount,
    from_hold_amount::decimal(18, 4) as from_hold_amount,
    clawback_amount::decimal(18, 4) as clawback_amount,
    correction_amount::decimal(18, 4) as correction_amount,
    adjustment_amount::decimal(18, 4) as adjustment_amount,
    draw_advance_amount::decimal(18, 4) as draw_advance_amount,
    draw_recovery_amount::decimal(18, 4) as draw_recovery_amount,
    posted_amount::decimal(18, 4) as posted_amount,
    (case when is_rewards_released then year_to_date_amount end)::decimal(18, 4) as year_to_date_amount,
    line_count::bigint as line_count,
    withheld_opening_amount::decimal(18, 4) as withheld_opening_amount,
    withheld_established_amount::decimal(18, 4) as withheld_established_amount,
    withheld_earned_amount::decimal(18, 4) as withheld_earned_amount,
    withheld_expired_amount::decimal(18, 4) as withheld_expired_amount,
    withheld_closing_amount::decimal(18, 4) as withheld_closing_amount,
    held_amount::decimal(18, 4) as held_amount,
    draw_opening_amount::decimal(18, 4) as draw_opening_amount,
    draw_closing_amount::decimal(18, 4) as draw_closing_amount
  from in_years
)

select * from final
