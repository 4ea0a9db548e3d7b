{# The number formulas of a plan version: its quota and incentive. Of each: code, formula. #}
{% macro version_formulas(plan) -%}
  {%- set formulas = [] -%}
  {%- if plan.quota_expression -%}{%- do formulas.append(('quota', plan.quota_expression)) -%}{%- endif -%}
  {%- if plan.incentive_expression -%}{%- do formulas.append(('incentive', plan.incentive_expression)) -%}{%- endif -%}
  {{ return(formulas) }}
{%- endmacro %}

{# The number formulas of all dated rows of a plan's seeds: code, plan, first and last day, formula. #}
{% macro dated_formulas() -%}
  {%- set formulas = [] -%}
  {%- for tier in commissions.seed_rows('tiers', 'plan_id, valid_from, tier_number') -%}
    {%- do formulas.append(('tier:' ~ tier.tier_number, tier.plan_id, tier.valid_from, tier.valid_to,
      tier.rate_expression or tier.tier_amount_expression)) -%}
  {%- endfor -%}
  {%- for bonus in commissions.seed_rows('bonuses', 'plan_id, valid_from, bonus_number') -%}
    {%- do formulas.append(('bonus:' ~ bonus.bonus_number, bonus.plan_id, bonus.valid_from, bonus.valid_to,
      bonus.amount_expression)) -%}
    {%- if bonus.amount_to_expression -%}
      {%- do formulas.append(('bonus_to:' ~ bonus.bonus_number, bonus.plan_id, bonus.valid_from, bonus.valid_to,
        bonus.amount_to_expression)) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- for modifier in commissions.seed_rows('modifiers', 'plan_id, valid_from, modifier_number') if modifier.amount_expression -%}
    {%- do formulas.append(('modifier:' ~ modifier.modifier_number, modifier.plan_id, modifier.valid_from,
      modifier.valid_to, modifier.amount_expression)) -%}
  {%- endfor -%}
  {{ return(formulas) }}
{%- endmacro %}

{# The variables that each plan's number formulas name, as rows: plan, variable, and whether it stands in the quota or
   the incentive (which may be prorated by days). #}
{% macro formula_variables() -%}
-- depends_on: {{ ref('plans') }}
-- depends_on: {{ ref('tiers') }}
-- depends_on: {{ ref('bonuses') }}
-- depends_on: {{ ref('modifiers') }}
  {%- for plan in commissions.seed_rows('plans', 'plan_id, valid_from') %}
    {%- for code, formula in commissions.version_formulas(plan) %}
      {%- for name in commissions.variable_names([formula]) %}
select '{{ plan.plan_id }}' as plan_id, '{{ name }}' as variable_name, true as is_of_version
union
      {%- endfor %}
    {%- endfor %}
  {%- endfor %}
  {%- for code, plan_id, valid_from, valid_to, formula in commissions.dated_formulas() %}
    {%- for name in commissions.variable_names([formula]) %}
select '{{ plan_id }}' as plan_id, '{{ name }}' as variable_name, false as is_of_version
union
    {%- endfor %}
  {%- endfor %}
select cast(null as varchar) as plan_id, cast(null as varchar) as variable_name, cast(null as boolean) as is_of_version
where false
{%- endmacro %}

{# One select per formula: its result for each window and day on which it is read. #}
{% macro plan_numbers(number_dates) -%}
-- depends_on: {{ ref('plans') }}
-- depends_on: {{ ref('tiers') }}
-- depends_on: {{ ref('bonuses') }}
-- depends_on: {{ ref('modifiers') }}
-- depends_on: {{ ref('int_attainment__variable_values') }}
  {%- for plan in commissions.seed_rows('plans', 'plan_id, valid_from') %}
    {%- for code, formula in commissions.version_formulas(plan) %}
{{ commissions.evaluate_formula(
  number_dates, code, formula,
  "plan_id = '" ~ plan.plan_id ~ "' and plan_valid_from = cast('" ~ plan.valid_from ~ "' as date)"
) }}
union all
    {%- endfor %}
  {%- endfor %}
  {%- for code, plan_id, valid_from, valid_to, formula in commissions.dated_formulas() %}
{{ commissions.evaluate_formula(
  number_dates, code, formula,
  "plan_id = '" ~ plan_id ~ "' and is_parameters_date and number_date >= cast('" ~ valid_from ~ "' as date)"
  ~ (" and number_date < cast('" ~ valid_to ~ "' as date)" if valid_to else "")
) }}
union all
  {%- endfor %}
select
  cast(null as varchar) as window_key,
  cast(null as date) as number_date,
  cast(null as varchar) as number_code,
  cast(null as decimal(28, 10)) as number_value
from {{ number_dates }}
where false
{%- endmacro %}

{% macro evaluate_formula(number_dates, code, formula, condition) -%}
select
  formula_dates.window_key,
  formula_dates.number_date,
  '{{ code }}' as number_code,
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
