{# The fields of a deal that a plan version reads: those of the data pool and those that its expressions name. #}
{% macro read_field_names(plan) -%}
  {%- set texts = [
    plan.filter_expression, plan.value_expression, plan.payable_expression, plan.weight_expression,
    plan.catalogue_key_expression, plan.rate_dimension_1_expression, plan.rate_dimension_2_expression,
    plan.rate_dimension_3_expression
  ] -%}
  {%- for rule in commissions.seed_rows('credit_rules', 'plan_id, rule_id, valid_from') if rule.plan_id == plan.plan_id -%}
    {%- do texts.extend([rule.condition_expression, rule.share_expression, rule.payee_expression]) -%}
  {%- endfor -%}
  {%- set found = var('pool_fields')[plan.source_object] | list -%}
  {%- for text in texts if text -%}
    {%- do found.extend(modules.re.findall('"([^"]+)"', modules.re.sub("'[^']*'", '', text))) -%}
  {%- endfor -%}
  {{ return(found | unique | sort) }}
{%- endmacro %}

{# The deals of a plan version twice for each edited field: with the field as it was at the close, and as it is now; all other
   fields as the plan reads them. #}
{% macro edit_sides(plan, fields, verdicts) -%}
  select
    as_read.* replace (
      {%- for field in fields %}
      case
        when sides._field_name <> '{{ field }}' then as_read."{{ field }}"
        when sides._side_code = 'close' then closed."{{ field }}"
        else today."{{ field }}"
      end as "{{ field }}"{{ ',' if not loop.last }}
      {%- endfor %}
    ),
    pool.booked_date as _booked_date,
    sides.*,
    case sides._field_name
      {%- for field in fields %}
      when '{{ field }}' then closed."{{ field }}"::varchar
      {%- endfor %}
    end as _value_at_close,
    case sides._field_name
      {%- for field in fields %}
      when '{{ field }}' then today."{{ field }}"::varchar
      {%- endfor %}
    end as _value_now
  from {{ verdicts }} as pool
  inner join {{ commissions.source_model(plan.source_object, 'as_of_close') }} as edited
    on
      pool.transaction_id = edited.transaction_id
      and edited._version_number = 2
  inner join {{ commissions.deal_rows(plan) }} as as_read on pool.transaction_id = as_read.transaction_id
  inner join (
    {{ commissions.settled_rows(plan.source_object, plan.settle_days or 0) }}
  ) as closed on pool.transaction_id = closed.transaction_id
  inner join {{ commissions.source_model(plan.source_object) }} as today on pool.transaction_id = today.transaction_id
  cross join (
    values
    {%- for field in fields %}
    ('{{ field }}', 'close'),
    ('{{ field }}', 'now'){{ ',' if not loop.last }}
    {%- endfor %}
  ) as sides (_field_name, _side_code)
  where
    pool.plan_id = '{{ plan.plan_id }}'
    and pool.plan_valid_from = cast('{{ plan.valid_from }}' as date)
    and case sides._field_name
      {%- for field in fields %}
      when '{{ field }}' then closed."{{ field }}" is distinct from today."{{ field }}"
      {%- endfor %}
    end
{%- endmacro %}

{# One select per plan version: each field that it reads of a won deal and that was edited after the close, with what the plan
   counts with the field as it was then and as it is now, all other fields as the plan reads them. #}
{% macro plan_edits(verdicts) -%}
  {{- commissions.depends_on_sources(with_pool=false) }}
-- depends_on: {{ ref('int_parameters__plan_variables') }}
-- depends_on: {{ ref('plans') }}
-- depends_on: {{ ref('credit_rules') }}
-- depends_on: {{ ref('catalogue') }}
  {%- for plan in commissions.seed_rows('plans', 'plan_id, valid_from') %}
    {%- set fields = commissions.read_field_names(plan) %}
    {%- set current = commissions.current_field_names(plan) %}
    {%- set names = commissions.variable_names([plan.filter_expression, plan.value_expression, plan.catalogue_key_expression]) %}
    {%- set missable = names | reject('equalto', 'CatalogueValue') | list %}
select
  '{{ plan.plan_id }}' as plan_id,
  source.transaction_id,
  source._field_name as field_name,
  source._side_code as side_code,
  source._value_at_close as value_at_close,
  source._value_now as value_now,
    {%- if plan.amount_basis_code != 'as_of_close' %}
  true as is_read_as_now,
    {%- elif current %}
  source._field_name in ({% for name in current %}'{{ name }}'{{ ', ' if not loop.last }}{% endfor %}) as is_read_as_now,
    {%- else %}
  false as is_read_as_now,
    {%- endif %}
  coalesce(({{ commissions.with_variable_columns(plan.filter_expression) }}), false) as is_filter_met,
  cast(({{ commissions.with_variable_columns(plan.value_expression) }}) as decimal(28, 10)) as native_value_amount
from (
{{ commissions.edit_sides(plan, fields, verdicts) }}
) as source
  {{- commissions.join_plan_variables(missable, plan.plan_id, 'source._booked_date') }}
    {%- if plan.catalogue_id %}
{{ commissions.join_catalogue(plan, 'source._booked_date') }}
    {%- endif %}
union all
  {%- endfor %}
{{ commissions.no_rows({
  'plan_id': 'varchar',
  'transaction_id': 'varchar',
  'field_name': 'varchar',
  'side_code': 'varchar',
  'value_at_close': 'varchar',
  'value_now': 'varchar',
  'is_read_as_now': 'boolean',
  'is_filter_met': 'boolean',
  'native_value_amount': 'decimal(28, 10)'
}, verdicts) }}
{%- endmacro %}
