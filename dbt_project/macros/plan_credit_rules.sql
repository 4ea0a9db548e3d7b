{# One select per credit rule: the valued transactions on which it could be taken, with its share and the recipient
   that it names. A rule without expressions does not look at the source. #}
{% macro plan_credit_rules(valued) -%}
  {%- set collecting = commissions.collecting_plan_ids() -%}
  {{- commissions.depends_on_sources() }}
-- depends_on: {{ ref('plans') }}
-- depends_on: {{ ref('credit_rules') }}
  {%- set plans = commissions.first_plan_rows() -%}
  {%- for rule in commissions.seed_rows('credit_rules', 'plan_id, rule_id, valid_from') %}
    {%- set expressions = [rule.condition_expression, rule.share_expression, rule.payee_expression] %}
    {%- set names = commissions.variable_names(expressions) %}
    {%- set condition_names = commissions.variable_names([rule.condition_expression]) %}
select
  pool.pool_plan_id as plan_id,
  pool.pool_transaction_id as transaction_id,
  '{{ rule.rule_group }}' as rule_group,
  '{{ rule.rule_id }}' as rule_id,
  {{ rule.priority }} as priority,
  '{{ rule.recipient_code }}' as recipient_code,
  '{{ rule.credit_type_code }}' as credit_type_code,
  {{ "'" ~ rule.split_type ~ "'" if rule.split_type else 'cast(null as varchar)' }} as split_type,
  '{{ rule.split_total_code or 'whole' }}' as split_total_code,
  {{ commissions.is_variable_missing(names) }} as is_variable_missing,
  cast(({{ commissions.with_variable_columns(rule.payee_expression or 'null') }}) as varchar) as recipient_alias,
  cast(({{ commissions.with_variable_columns(rule.share_expression or '1') }}) as decimal(28, 10)) as share
from (
  select plan_id as pool_plan_id, transaction_id as pool_transaction_id, credit_date as pool_booked_date
  from {{ valued }}
  where
    plan_id = '{{ rule.plan_id }}'
    and credit_date >= cast('{{ rule.valid_from }}' as date)
    {%- if rule.valid_to %} and credit_date < cast('{{ rule.valid_to }}' as date){% endif %}
) as pool
    {%- if rule.condition_expression or rule.share_expression or rule.payee_expression %}
left join {{ commissions.source_rows(rule.plan_id in collecting, plans[rule.plan_id]) }} as source
  on pool.pool_transaction_id = source.transaction_id
    {%- endif %}
  {{- commissions.join_plan_variables(names, rule.plan_id, 'pool.pool_booked_date') }}
where coalesce(({{ commissions.with_variable_columns(rule.condition_expression or 'true') }}), false)
  {%- if condition_names %} or {{ commissions.is_variable_missing(condition_names) }}{% endif %}
union all
  {%- endfor %}
{{ commissions.no_rows({
  'plan_id': 'varchar',
  'transaction_id': 'varchar',
  'rule_group': 'varchar',
  'rule_id': 'varchar',
  'priority': 'integer',
  'recipient_code': 'varchar',
  'credit_type_code': 'varchar',
  'split_type': 'varchar',
  'split_total_code': 'varchar',
  'is_variable_missing': 'boolean',
  'recipient_alias': 'varchar',
  'share': 'decimal(28, 10)'
}, valued) }}
{%- endmacro %}
