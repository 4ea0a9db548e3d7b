{# One select per formula: its result for each window and day on which it is read. #}
{% macro plan_numbers(number_dates) -%}
-- depends_on: {{ ref('plans') }}
-- depends_on: {{ ref('tiers') }}
-- depends_on: {{ ref('bonuses') }}
-- depends_on: {{ ref('modifiers') }}
-- depends_on: {{ ref('int_attainment__variable_values') }}
  {%- for plan in commissions.seed_rows('plans', 'plan_id, valid_from') %}
    {%- for kind, formula in commissions.version_formulas(plan) %}
{{ commissions.evaluate_formula(
  number_dates, kind, 0, formula,
  "plan_id = '" ~ plan.plan_id ~ "' and plan_valid_from = cast('" ~ plan.valid_from ~ "' as date)"
) }}
union all
    {%- endfor %}
  {%- endfor %}
  {%- for kind, number, plan_id, valid_from, valid_to, formula in commissions.dated_formulas() %}
{{ commissions.evaluate_formula(
  number_dates, kind, number, formula,
  "plan_id = '" ~ plan_id ~ "' and is_parameters_date and number_date >= cast('" ~ valid_from ~ "' as date)"
  ~ (" and number_date < cast('" ~ valid_to ~ "' as date)" if valid_to else "")
) }}
union all
  {%- endfor %}
{{ commissions.no_rows({
  'window_key': 'varchar',
  'number_date': 'date',
  'number_kind_code': 'varchar',
  'number': 'integer',
  'number_value': 'decimal(28, 10)'
}, number_dates) }}
{%- endmacro %}

{# One formula, evaluated for the windows and days that meet the condition. #}
{% macro evaluate_formula(number_dates, kind, number, formula, condition) -%}
select
  formula_dates.window_key,
  formula_dates.number_date,
  '{{ kind }}' as number_kind_code,
  {{ number }} as number,
  cast(({{ commissions.with_variable_columns(formula) }}) as decimal(28, 10)) as number_value
from (
  select window_key, number_date
  from {{ number_dates }}
  where {{ condition }}
) as formula_dates
  {%- for name in commissions.variable_names([formula]) %}
left join (
  select window_key as variable_window_key, number_date as variable_number_date, value as "@@{{ name }}"
  from {{ ref('int_attainment__variable_values') }}
  where variable_name = '{{ name }}'
) as variable_{{ loop.index }}
  on
    formula_dates.window_key = variable_{{ loop.index }}.variable_window_key
    and formula_dates.number_date = variable_{{ loop.index }}.variable_number_date
  {%- endfor %}
{%- endmacro %}
