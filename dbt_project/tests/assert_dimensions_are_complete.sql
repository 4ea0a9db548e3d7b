-- A key of a fact without its row in the dimension: BI that joins would lose the amount. Every fact is listed
-- (tests/project/test_star_schema.py); the keys are the columns of its contract that are named as below. A key that is
-- null or '' names nothing, and its description says why.
-- Fix: do not delete a payee, plan, team or reason that figures name; end it with valid_to.
{% set facts = [
  'fct_accounting_lines',
  'fct_adjustments',
  'fct_calculations',
  'fct_commission_lines',
  'fct_contract_cost_segments',
  'fct_contract_costs',
  'fct_credits',
  'fct_crm_lines',
  'fct_disputes',
  'fct_draw_balances',
  'fct_exports',
  'fct_journal_lines',
  'fct_ledger_lines',
  'fct_payouts',
  'fct_payroll_amounts',
  'fct_payroll_balances',
  'fct_payroll_items',
  'fct_payroll_lines',
  'fct_statements',
  'fct_visibility',
  'fct_withheld_movements',
  'rpt_attainment',
  'rpt_clawbacks',
  'rpt_commission_tiers',
  'rpt_held_lines',
  'rpt_withheld_balances',
  'rpt_withheld_deals',
] %}
{% set keys = {
  'payee_id': 'dim_payees.payee_id',
  'credited_payee_id': 'dim_payees.payee_id',
  'viewer_id': 'dim_viewers.viewer_id',
  'plan_id': 'dim_plans.plan_id',
  'transaction_id': 'dim_transactions.transaction_id',
  'currency_code': 'dim_currencies.currency_code',
  'period_code': 'dim_periods.period_code',
  'origin_period_code': 'dim_periods.period_code',
  'posted_period_code': 'dim_periods.period_code',
  'reason_code': 'dim_reasons.reason_code',
  'booked_date': 'dim_dates.calendar_date',
  'credit_date': 'dim_dates.calendar_date',
  'due_date': 'dim_dates.calendar_date',
  'entry_date': 'dim_dates.calendar_date',
  'event_date': 'dim_dates.calendar_date',
  'first_month_date': 'dim_dates.calendar_date',
  'movement_date': 'dim_dates.calendar_date',
  'pay_date': 'dim_dates.calendar_date',
} %}
with

{% for dimension in keys.values() | unique %}
  {% set name, key = dimension.split('.') %}
  {{ name }} as materialized (
    select cast({{ key }} as varchar) as known from {{ ref(name) }}
    union all
    select '' as known
  ),
{% endfor %}

{% for fact in facts %}
  {{ fact }} as (
    select
      '{{ fact }}' as fact_name,
      concat_ws(
        '; ',
        cast(null as varchar)
        {% for column in commissions.contract_columns(fact) if column in keys %}
          , case
            when
              count(*) filter (
                where cast({{ column }} as varchar) not in (select known from {{ keys[column].split('.')[0] }})
              ) > 0
              then '{{ column }} ' || min(cast({{ column }} as varchar)) filter (
                where cast({{ column }} as varchar) not in (select known from {{ keys[column].split('.')[0] }})
              ) || ' is not in {{ keys[column].split('.')[0] }}'
          end
        {% endfor %}
      ) as missing_text
    from {{ ref(fact) }}
  ),
{% endfor %}

united as (
  {% for fact in facts %}
    select * from {{ fact }}
    {{ 'union all' if not loop.last }}
  {% endfor %}
)

select * from united
where missing_text <> ''
