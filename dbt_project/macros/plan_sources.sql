{# The staging model that holds the rows of a source object. #}
{% macro source_model(source_object, amount_basis_code='current') -%}
  {%- set models = var('transaction_sources').get(source_object) -%}
  {%- if not models -%}
    {{ exceptions.raise_compiler_error("seeds/plans/plans.csv: source_object '" ~ source_object ~ "' is not in vars.transaction_sources of dbt_project.yml") }}
  {%- endif -%}
  {%- if amount_basis_code not in models -%}
    {{ exceptions.raise_compiler_error("seeds/plans/plans.csv: " ~ source_object ~ " has no model for amount_basis_code " ~ amount_basis_code ~ " in vars.transaction_sources of dbt_project.yml") }}
  {%- endif -%}
  {{ return(ref(models[amount_basis_code])) }}
{%- endmacro %}

{# The plans of which a version credits payments. #}
{% macro collecting_plan_ids() -%}
  {%- set found = [] -%}
  {%- for plan in commissions.seed_rows('plans', 'plan_id, valid_from') if plan.credit_event_code == 'collection' -%}
    {%- do found.append(plan.plan_id) -%}
  {%- endfor -%}
  {{ return(found) }}
{%- endmacro %}

{# The plan row, of its first version, of each plan. All versions of a plan read the same version of a deal. #}
{% macro first_plan_rows() -%}
  {%- set found = {} -%}
  {%- for plan in commissions.seed_rows('plans', 'plan_id, valid_from') if plan.plan_id not in found -%}
    {%- do found.update({plan.plan_id: plan}) -%}
  {%- endfor -%}
  {{ return(found) }}
{%- endmacro %}

{# The rows that a plan's expressions look at: those of its source object in the version that the plan reads; where the plan
   credits payments also one for each payment of a deal, with the deal's fields. #}
{% macro source_rows(is_collecting, plan) -%}
  {%- set deals = commissions.deal_rows(plan) -%}
  {%- if not is_collecting -%}
    {{ return(deals) }}
  {%- endif -%}
  {%- set rows -%}
(
  select credited.transaction_id, deals.* exclude (transaction_id)
  from {{ deals }} as deals
  inner join {{ ref('int_pool__transaction_versions') }} as credited
    on
      deals.transaction_id = credited.deal_transaction_id
      and credited.version_code = '{{ commissions.version_code_of(plan) }}'
)
  {%- endset -%}
  {{ return(rows) }}
{%- endmacro %}

{# What the models of plan expressions read, written where dbt looks for it while it parses. #}
{% macro depends_on_sources(with_pool=true) -%}
  {%- for models in var('transaction_sources').values() -%}
    {%- for model in models.values() %}
-- depends_on: {{ ref(model) }}
    {%- endfor -%}
  {%- endfor %}

-- depends_on: {{ ref('int_pool__accepted_edits') }}
  {%- if with_pool %}
-- depends_on: {{ ref('int_pool__transaction_versions') }}
-- depends_on: {{ ref('int_parameters__plan_variables') }}
  {%- endif %}
{%- endmacro %}
