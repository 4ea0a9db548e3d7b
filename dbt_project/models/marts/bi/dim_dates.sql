-- Lists the days from the first to the last year that any fact names, for calendars in BI and as the time spine of metrics.
-- Grain: one row per day.
-- Rule: docs/bi.md
{% set dates_of = [
  ('fct_credits', 'credit_date'),
  ('fct_commission_lines', 'event_date'),
  ('fct_ledger_lines', 'event_date'),
  ('fct_ledger_lines', 'due_date'),
  ('fct_withheld_movements', 'movement_date'),
  ('fct_payroll_balances', 'pay_date'),
  ('fct_payroll_lines', 'pay_date'),
  ('fct_contract_costs', 'booked_date'),
  ('fct_contract_costs', 'first_month_date'),
  ('fct_journal_lines', 'entry_date'),
] %}
{% set periods_of = [
  ('fct_ledger_lines', 'origin_period_code'),
  ('fct_ledger_lines', 'posted_period_code'),
  ('fct_calculations', 'period_code'),
  ('fct_adjustments', 'period_code'),
  ('fct_draw_balances', 'period_code'),
  ('rpt_amortisation_schedule', 'period_code'),
  ('rpt_withheld_balances', 'period_code'),
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
