{# The variables that each plan's number formulas name, as rows: plan, variable, and whether it stands in the quota or
   the incentive (which may be prorated by days). #}
{% macro formula_variables() -%}
-- depends_on: {{ ref('plans') }}
-- depends_on: {{ ref('tiers') }}
-- depends_on: {{ ref('bonuses') }}
-- depends_on: {{ ref('modifiers') }}
  {%- for plan in commissions.seed_rows('plans', 'plan_id, valid_from') %}
    {%- for kind, formula in commissions.version_formulas(plan) %}
      {%- for name in commissions.variable_names([formula]) %}
select '{{ plan.plan_id }}' as plan_id, '{{ name }}' as variable_name, true as is_of_version
union
      {%- endfor %}
    {%- endfor %}
  {%- endfor %}
  {%- for kind, number, plan_id, valid_from, valid_to, formula in commissions.dated_formulas() %}
    {%- for name in commissions.variable_names([formula]) %}
select '{{ plan_id }}' as plan_id, '{{ name }}' as variable_name, false as is_of_version
union
    {%- endfor %}
  {%- endfor %}
{{ commissions.no_rows({'plan_id': 'varchar', 'variable_name': 'varchar', 'is_of_version': 'boolean'}) }}
{%- endmacro %}
