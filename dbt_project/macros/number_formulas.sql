{# The number formulas of a plan version: its quota and incentive. Of each: kind, formula. #}
{% macro version_formulas(plan) -%}
  {%- set formulas = [] -%}
  {%- if plan.quota_expression -%}{%- do formulas.append(('quota', plan.quota_expression)) -%}{%- endif -%}
  {%- if plan.incentive_expression -%}{%- do formulas.append(('incentive', plan.incentive_expression)) -%}{%- endif -%}
  {{ return(formulas) }}
{%- endmacro %}

{# The number formulas of all dated rows of a plan's seeds: kind, number, plan, first and last day, formula. #}
{% macro dated_formulas() -%}
  {%- set formulas = [] -%}
  {%- for tier in commissions.seed_rows('tiers', 'plan_id, valid_from, tier_number') -%}
    {%- do formulas.append(('tier', tier.tier_number, tier.plan_id, tier.valid_from, tier.valid_to,
      tier.rate_expression or tier.tier_amount_expression)) -%}
  {%- endfor -%}
  {%- for bonus in commissions.seed_rows('bonuses', 'plan_id, valid_from, bonus_number') -%}
    {%- do formulas.append(('bonus', bonus.bonus_number, bonus.plan_id, bonus.valid_from, bonus.valid_to,
      bonus.amount_expression)) -%}
    {%- if bonus.amount_to_expression -%}
      {%- do formulas.append(('bonus_to', bonus.bonus_number, bonus.plan_id, bonus.valid_from, bonus.valid_to,
        bonus.amount_to_expression)) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- for modifier in commissions.seed_rows('modifiers', 'plan_id, valid_from, modifier_number') if modifier.amount_expression -%}
    {%- do formulas.append(('modifier', modifier.modifier_number, modifier.plan_id, modifier.valid_from,
      modifier.valid_to, modifier.amount_expression)) -%}
  {%- endfor -%}
  {{ return(formulas) }}
{%- endmacro %}
