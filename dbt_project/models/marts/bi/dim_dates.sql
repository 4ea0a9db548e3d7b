-- Lists the days from the first to the last year that any fact names, for calendars in BI and as the time spine of metrics.
-- Grain: one row per day.
-- Rule: docs/bi.md
{#- The tables that the facts are made of, not the facts: most facts are views, and a calendar must not calculate them again.
    assert_dimensions_are_complete fails on a date that is missing here. -#}
{% set dates_of = [
  ('int_valuation__values', 'credit_date'),
  ('int_valuation__cancellations', 'cancelled_date'),
  ('int_attainment__moves', 'move_date'),
  ('int_rewards__rounded', 'reward_date'),
  ('int_ledger__lines', 'event_date'),
  ('fct_ledger_lines', 'event_date'),
  ('fct_ledger_lines', 'due_date'),
  ('fct_contract_costs', 'booked_date'),
  ('fct_contract_costs', 'first_month_date'),
] %}
{% set periods_of = [
  ('int_ledger__draw_months', 'period_code'),
  ('fct_ledger_lines', 'origin_period_code'),
  ('fct_ledger_lines', 'posted_period_code'),
  ('rpt_amortisation_schedule', 'period_code'),
  ('stg_books__actions', 'period_code'),
  ('stg_books__closings', 'period_code'),
] %}
with

named_days as (
  select {{ as_of_date() }} as named_date
  {% for model, column in dates_of %}
    union all
    select {{ column }} as named_date from {{ ref(model) }}
  {% endfor %}
  {% for model, column in periods_of %}
    union all
    select {{ first_of_month(column) }} as named_date from {{ ref(model) }}
  {% endfor %}
  union all
  select pay_cycles.pay_date as named_date
  from {{ ref('pay_cycles') }} as pay_cycles
  where
    exists (
      select 1
      from {{ ref('fct_payroll_amounts') }} as amounts
      where
        amounts.pay_group_id = pay_cycles.pay_group_id
        and amounts.pay_cycle_code = pay_cycles.pay_cycle_code
    )
    or exists (
      select 1
      from {{ ref('stg_books__exported_lines') }} as exported_lines
      where
        exported_lines.pay_group_id = pay_cycles.pay_group_id
        and exported_lines.pay_cycle_code = pay_cycles.pay_cycle_code
    )
),

spanned as (
  select
    min(date_trunc('year', named_date)) as first_date,
    {{ last_day_of('max(named_date)', 'year') }} as last_date
  from named_days
),

days as (
  select cast(unnest(generate_series(first_date, last_date, interval 1 day)) as date) as calendar_date
  from spanned
),

final as (
  select
    calendar_date::date as calendar_date,
    ({{ month_code('calendar_date') }})::varchar as period_code,
    (extract(year from calendar_date) || '-Q' || extract(quarter from calendar_date))::varchar as quarter_code,
    (extract(year from calendar_date))::varchar as year_code,
    (extract(isodow from calendar_date))::integer as weekday_number,
    (calendar_date = {{ last_day_of('calendar_date', 'month') }})::boolean as is_month_end,
    (calendar_date <= {{ as_of_date() }})::boolean as is_calculated
  from days
)

select * from final
