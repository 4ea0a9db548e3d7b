{# Rows of a seed as dictionaries in a fixed order; empty while dbt only parses. #}
{% macro seed_rows(seed, order_by) -%}
  {%- if not execute -%}{{ return([]) }}{%- endif -%}
  {{ return(run_query("select * from " ~ ref(seed) ~ " order by " ~ order_by).rows) }}
{%- endmacro %}

{# Names of the @@variables that expressions use, each once, alphabetically. #}
{% macro variable_names(expressions) -%}
  {%- set found = [] -%}
  {%- for expression in expressions if expression -%}
    {%- do found.extend(modules.re.findall('@@([A-Za-z0-9_]+)', expression)) -%}
  {%- endfor -%}
  {{ return(found | unique | sort) }}
{%- endmacro %}

{# An expression with each @@Name as the column that holds its value: @@Quota is "@@Quota". #}
{% macro with_variable_columns(expression) -%}
  {{ return(modules.re.sub('@@([A-Za-z0-9_]+)', '"@@\\1"', expression)) }}
{%- endmacro %}

{# A condition that holds where a variable has no value. #}
{% macro is_variable_missing(names) -%}
  {%- if not names -%}false
  {%- else -%}({%- for name in names %}"@@{{ name }}" is null{{ ' or ' if not loop.last }}{% endfor -%})
  {%- endif -%}
{%- endmacro %}

{# Left joins that give each variable of plan or global scope its value on the day, one column per variable. #}
{% macro join_plan_variables(names, plan_id, day) -%}
  {%- for name in names if name != 'CatalogueValue' %}
  left join (
    select
      value as "@@{{ name }}",
      valid_from as variable_{{ loop.index }}_from,
      valid_to as variable_{{ loop.index }}_to
    from {{ ref('int_parameters__plan_variables') }}
    where
      plan_id = '{{ plan_id }}'
      and variable_name = '{{ name }}'
  ) as variable_{{ loop.index }}
    on
      variable_{{ loop.index }}.variable_{{ loop.index }}_from <= {{ day }}
      and (
        variable_{{ loop.index }}.variable_{{ loop.index }}_to is null
        or {{ day }} < variable_{{ loop.index }}.variable_{{ loop.index }}_to
      )
  {%- endfor %}
{%- endmacro %}

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

{# The rows that a plan's expressions look at: those of its source object; where the plan credits payments also one for each
   payment of a deal, with the deal's fields. #}
{% macro source_rows(is_collecting, source_object, amount_basis_code='current') -%}
  {%- set model = commissions.source_model(source_object, amount_basis_code) -%}
  {%- if not is_collecting -%}
    {{ return(model) }}
  {%- endif -%}
  {%- set rows -%}
(
  select credited.transaction_id, deals.* exclude (transaction_id)
  from {{ model }} as deals
  inner join {{ ref('int_pool__transactions') }} as credited on deals.transaction_id = credited.deal_transaction_id
)
  {%- endset -%}
  {{ return(rows) }}
{%- endmacro %}

{# What the models of plan expressions read, written where dbt looks for it while it parses. #}
{% macro depends_on_sources() -%}
  {%- for models in var('transaction_sources').values() -%}
    {%- for model in models.values() %}
-- depends_on: {{ ref(model) }}
    {%- endfor -%}
  {%- endfor %}
-- depends_on: {{ ref('int_pool__transactions') }}
-- depends_on: {{ ref('int_parameters__plan_variables') }}
{%- endmacro %}

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
from {{ commissions.source_rows(plan.plan_id in collecting, plan.source_object) }} as source
    {%- if names %}
  inner join (
    select transaction_id as pool_transaction_id, booked_date as pool_booked_date
    from {{ ref('int_pool__transactions') }}
  ) as pool on source.transaction_id = pool.pool_transaction_id
  {{- commissions.join_plan_variables(names, plan.plan_id, 'pool.pool_booked_date') }}
    {%- endif %}
union all
  {%- endfor %}
select
  cast(null as varchar) as plan_id,
  cast(null as date) as plan_valid_from,
  cast(null as varchar) as transaction_id,
  cast(null as boolean) as is_variable_missing,
  cast(null as boolean) as is_filter_met
where false
{%- endmacro %}

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
left join {{ commissions.source_rows(plan.plan_id in collecting, plan.source_object, plan.amount_basis_code) }} as source
  on pool.pool_transaction_id = source.transaction_id
  {{- commissions.join_plan_variables(missable, plan.plan_id, 'pool.pool_booked_date') }}
    {%- if plan.catalogue_id %}
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
    and {{ commissions.in_force('pool.pool_booked_date', 'catalogue_entries', 'catalogue_entry_from', 'catalogue_entry_to') }}
    {%- endif %}
union all
  {%- endfor %}
select
  cast(null as varchar) as plan_id,
  cast(null as date) as plan_valid_from,
  cast(null as varchar) as transaction_id,
  cast(null as boolean) as is_variable_missing,
  cast(null as boolean) as is_catalogue_value_missing,
  cast(null as decimal(28, 10)) as native_value_amount,
  cast(null as decimal(28, 10)) as native_payable_amount,
  cast(null as decimal(28, 10)) as weight,
  cast(null as varchar) as rate_dimension_1,
  cast(null as varchar) as rate_dimension_2,
  cast(null as varchar) as rate_dimension_3
from {{ verdicts }}
where false
{%- endmacro %}

{# One select per credit rule: the valued transactions on which it could be taken, with its share and the recipient
   that it names. A rule without expressions does not look at the source. #}
{% macro plan_credit_rules(valued) -%}
  {%- set collecting = commissions.collecting_plan_ids() -%}
  {{- commissions.depends_on_sources() }}
-- depends_on: {{ ref('plans') }}
-- depends_on: {{ ref('credit_rules') }}
  {%- set source_objects = {} -%}
  {%- for plan in commissions.seed_rows('plans', 'plan_id, valid_from') -%}
    {%- do source_objects.update({plan.plan_id: plan.source_object}) -%}
  {%- endfor -%}
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
left join {{ commissions.source_rows(rule.plan_id in collecting, source_objects[rule.plan_id]) }} as source
  on pool.pool_transaction_id = source.transaction_id
    {%- endif %}
  {{- commissions.join_plan_variables(names, rule.plan_id, 'pool.pool_booked_date') }}
where coalesce(({{ commissions.with_variable_columns(rule.condition_expression or 'true') }}), false)
  {%- if condition_names %} or {{ commissions.is_variable_missing(condition_names) }}{% endif %}
union all
  {%- endfor %}
select
  cast(null as varchar) as plan_id,
  cast(null as varchar) as transaction_id,
  cast(null as varchar) as rule_group,
  cast(null as varchar) as rule_id,
  cast(null as integer) as priority,
  cast(null as varchar) as recipient_code,
  cast(null as varchar) as credit_type_code,
  cast(null as varchar) as split_type,
  cast(null as varchar) as split_total_code,
  cast(null as boolean) as is_variable_missing,
  cast(null as varchar) as recipient_alias,
  cast(null as decimal(28, 10)) as share
from {{ valued }}
where false
{%- endmacro %}

{# One select per row of payout_terms with an expression: the day on which each deal of the plan was cancelled. #}
{% macro plan_cancellations() -%}
  {{- commissions.depends_on_sources() }}
-- depends_on: {{ ref('plans') }}
-- depends_on: {{ ref('payout_terms') }}
  {%- set source_objects = {} -%}
  {%- for plan in commissions.seed_rows('plans', 'plan_id, valid_from') -%}
    {%- do source_objects.update({plan.plan_id: plan.source_object}) -%}
  {%- endfor -%}
  {%- for terms in commissions.seed_rows('payout_terms', 'plan_id, valid_from') if terms.cancelled_date_expression %}
select
  '{{ terms.plan_id }}' as plan_id,
  source.transaction_id,
  cast('{{ terms.valid_from }}' as date) as terms_from,
  cast({{ "'" ~ terms.valid_to ~ "'" if terms.valid_to else 'null' }} as date) as terms_to,
  cast(({{ terms.cancelled_date_expression }}) as date) as cancelled_date
from {{ commissions.source_model(source_objects[terms.plan_id]) }} as source
where ({{ terms.cancelled_date_expression }}) is not null
union all
  {%- endfor %}
select
  cast(null as varchar) as plan_id,
  cast(null as varchar) as transaction_id,
  cast(null as date) as terms_from,
  cast(null as date) as terms_to,
  cast(null as date) as cancelled_date
where false
{%- endmacro %}
