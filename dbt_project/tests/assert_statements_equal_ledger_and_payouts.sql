-- Invariant 3: over all that is released, statements, ledger and payouts agree for each payee, plan, month and currency; the
-- sections of a statement add up to what it posts, and the lines to each section; the year goes on from month to month; and
-- what is not released is in no statement.
with

statements as (
  select * from {{ ref('fct_statements') }}
),

payouts as (
  select * from {{ ref('fct_payouts') }}
),

released_months as (
  select
    plan_id,
    posted_period_code as period_code
  from {{ ref('fct_ledger_lines') }}
  where is_posted
  union
  select
    plan_id,
    period_code
  from {{ ref('fct_calculations') }}
  where state_code in ('rewards_released', 'approved', 'paid')
),

ledger as (
  select
    ledger_lines.payee_id,
    ledger_lines.plan_id,
    ledger_lines.posted_period_code as period_code,
    ledger_lines.currency_code,
    sum(ledger_lines.line_amount) as line_amount,
    count(*) as line_count
  from {{ ref('fct_ledger_lines') }} as ledger_lines
  inner join released_months
    on
      ledger_lines.plan_id = released_months.plan_id
      and ledger_lines.posted_period_code = released_months.period_code
  group by ledger_lines.payee_id, ledger_lines.plan_id, ledger_lines.posted_period_code, ledger_lines.currency_code
),

sections as (
  select
    statement_key,
    section_code,
    sum(line_amount) as line_amount
  from {{ ref('rpt_statement_lines') }}
  group by statement_key, section_code
),

stated_sections as (
  {% for section, name in [
    ('earned', 'earned'),
    ('from_hold', 'from_hold'),
    ('clawback', 'clawback'),
    ('correction', 'correction'),
    ('adjustment', 'adjustment'),
    ('draw', 'draw_advance'),
    ('draw_recovery', 'draw_recovery'),
  ] %}
    select
      statement_key,
      '{{ section }}' as section_code,
      {{ name }}_amount as line_amount
    from statements
    {{ 'union all' if not loop.last }}
  {% endfor %}
),

years as (
  select
    statement_key,
    year_opening_amount,
    lag(year_to_date_amount) over (
      partition by payee_id, plan_id, currency_code, extract(year from {{ first_of_month('period_code') }})
      order by period_code
    ) as previous_amount
  from statements
  where is_rewards_released
)

select
  'ledger' as difference_code,
  coalesce(statements.statement_key, ledger.payee_id) as statement_key
from statements
full outer join ledger
  on
    statements.payee_id = ledger.payee_id
    and statements.plan_id = ledger.plan_id
    and statements.period_code = ledger.period_code
    and statements.currency_code = ledger.currency_code
where
  coalesce(statements.posted_amount, 0) <> coalesce(ledger.line_amount, 0)
  or coalesce(statements.line_count, 0) <> coalesce(ledger.line_count, 0)
union all
select
  'payouts' as difference_code,
  payouts.payout_key as statement_key
from payouts
left join statements
  on
    payouts.payee_id = statements.payee_id
    and payouts.plan_id = statements.plan_id
    and payouts.period_code = statements.period_code
    and payouts.currency_code = statements.currency_code
where
  statements.statement_key is null
  or (statements.is_rewards_released and statements.posted_amount is distinct from payouts.payout_amount)
union all
select
  'sections' as difference_code,
  statement_key
from statements
where
  earned_amount + from_hold_amount + clawback_amount + correction_amount + adjustment_amount + draw_advance_amount
  + draw_recovery_amount <> posted_amount
  or withheld_opening_amount + withheld_established_amount - withheld_earned_amount - withheld_expired_amount
  <> withheld_closing_amount
union all
select
  'lines' as difference_code,
  coalesce(stated_sections.statement_key, sections.statement_key) as statement_key
from stated_sections
full outer join sections
  on
    stated_sections.statement_key = sections.statement_key
    and stated_sections.section_code = sections.section_code
where coalesce(stated_sections.line_amount, 0) <> coalesce(sections.line_amount, 0)
union all
select
  'year' as difference_code,
  statement_key
from years
where year_opening_amount <> coalesce(previous_amount, 0)
union all
select
  'not released' as difference_code,
  statement_key
from statements
where
  (
    not is_rewards_released
    and coalesce(
      posted_amount, year_to_date_amount, earned_amount, withheld_closing_amount, held_amount, draw_closing_amount
    ) is not null
  )
  or (not is_credits_released and credited_amount is not null)
