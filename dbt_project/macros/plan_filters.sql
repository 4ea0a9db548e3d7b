{# One select per plan version: its filter over the rows of the source object, under the source's own field names. #}
{% macro plan_filters() -%}
  {%- set collecting = commissions.collecting_plan_ids() -%}
  {{- commissions.depends_on_sources() }}
-- depends_on: {{ ref('plans') }}
  {%- for plan in commissions.seed_rows('plans', 'plan_id, valid_from') %}
    {%- set names = commissions.variable_names([plan.filter_expression]) %}
select
  '{{ plan.plan_id }}' as plan_id,
  cast('{{ plan.valid_from }}' as date) as plan_valid_from,
  source.transaction_id,
  {{ commissions.is_variable_missing(names) }} as is_variable_missing,
  coalesce(({{ commissions.with_variable_columns(plan.filter_expression) }}), false) as is_filter_met
from {{ commissions.source_rows(plan.plan_id in collecting, plan) }} as source
    {%- if names %}
  inner join (
    select transaction_id as pool_transaction_id, booked_date as pool_booked_date
    from {{ ref('int_pool__transaction_versions') }}
    where version_code = '{{ commissions.version_code_of(plan) }}'
  ) as pool on source.transaction_id = pool.pool_transaction_id
  {{- commissions.join_plan_variables(names, plan.plan_id, 'pool.pool_booked_date') }}
    {%- endif %}
union all
  {%- endfor %}
{{ commissions.no_rows({
  'plan_id': 'varchar',
  'plan_valid_from': 'date',
  'transaction_id': 'varchar',
  'is_variable_missing': 'boolean',
  'is_filter_met': 'boolean'
}) }}
{%- endmacro %}
