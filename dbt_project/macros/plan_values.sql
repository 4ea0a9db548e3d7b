{# One select per plan version: what it reads off each eligible transaction (value, payable value, weight, rate
   dimensions), over the source object's own field names. #}
{% macro plan_values(verdicts) -%}
  {%- set collecting = commissions.collecting_plan_ids() -%}
  {{- commissions.depends_on_sources() }}
-- depends_on: {{ ref('plans') }}
-- depends_on: {{ ref('catalogue') }}
  {%- for plan in commissions.seed_rows('plans', 'plan_id, valid_from') %}
    {%- set payable = plan.payable_expression or plan.value_expression %}
    {%- set names = commissions.variable_names([
      plan.value_expression, payable, plan.weight_expression, plan.catalogue_key_expression,
      plan.rate_dimension_1_expression, plan.rate_dimension_2_expression, plan.rate_dimension_3_expression
    ]) %}
    {%- set missable = names | reject('equalto', 'CatalogueValue') | list %}
select
  '{{ plan.plan_id }}' as plan_id,
  cast('{{ plan.valid_from }}' as date) as plan_valid_from,
  pool_transaction_id as transaction_id,
  {{ commissions.is_variable_missing(missable) }} as is_variable_missing,
  {{ '"@@CatalogueValue" is null' if plan.catalogue_id else 'false' }} as is_catalogue_value_missing,
  cast(({{ commissions.with_variable_columns(plan.value_expression) }}) as decimal(28, 10)) as native_value_amount,
  cast(({{ commissions.with_variable_columns(payable) }}) as decimal(28, 10)) as native_payable_amount,
  cast(({{ commissions.with_variable_columns(plan.weight_expression or '1') }}) as decimal(28, 10)) as weight,
    {%- for number in [1, 2, 3] %}
  cast(({{ commissions.with_variable_columns(plan['rate_dimension_' ~ number ~ '_expression'] or 'null') }}) as varchar) as rate_dimension_{{ number }}{{ ',' if not loop.last }}
    {%- endfor %}
from (
  select transaction_id as pool_transaction_id, booked_date as pool_booked_date
  from {{ verdicts }}
  where plan_id = '{{ plan.plan_id }}' and plan_valid_from = cast('{{ plan.valid_from }}' as date)
) as pool
left join {{ commissions.source_rows(plan.plan_id in collecting, plan) }} as source
  on pool.pool_transaction_id = source.transaction_id
  {{- commissions.join_plan_variables(missable, plan.plan_id, 'pool.pool_booked_date') }}
    {%- if plan.catalogue_id %}
{{ commissions.join_catalogue(plan, 'pool.pool_booked_date') }}
    {%- endif %}
union all
  {%- endfor %}
{{ commissions.no_rows({
  'plan_id': 'varchar',
  'plan_valid_from': 'date',
  'transaction_id': 'varchar',
  'is_variable_missing': 'boolean',
  'is_catalogue_value_missing': 'boolean',
  'native_value_amount': 'decimal(28, 10)',
  'native_payable_amount': 'decimal(28, 10)',
  'weight': 'decimal(28, 10)',
  'rate_dimension_1': 'varchar',
  'rate_dimension_2': 'varchar',
  'rate_dimension_3': 'varchar'
}, verdicts) }}
{%- endmacro %}

{# A left join that gives "@@CatalogueValue" its value on the day: of the entry that the plan's key expression names. #}
{% macro join_catalogue(plan, day) -%}
left join (
  select
    catalogue_key as catalogue_entry_key,
    value as "@@CatalogueValue",
    valid_from as catalogue_entry_from,
    valid_to as catalogue_entry_to
  from {{ ref('catalogue') }}
  where catalogue_id = '{{ plan.catalogue_id }}'
) as catalogue_entries
  on
    ({{ commissions.with_variable_columns(plan.catalogue_key_expression) }}) = catalogue_entries.catalogue_entry_key
    and {{ commissions.in_force(day, 'catalogue_entries', 'catalogue_entry_from', 'catalogue_entry_to') }}
{%- endmacro %}
