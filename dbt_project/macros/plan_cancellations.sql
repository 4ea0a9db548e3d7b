{# One select per row of payout_terms with an expression: the day on which each deal of the plan was cancelled, which is read
   off the deal as it is today. #}
{% macro plan_cancellations() -%}
  {{- commissions.depends_on_sources() }}
-- depends_on: {{ ref('plans') }}
-- depends_on: {{ ref('payout_terms') }}
  {%- set plans = commissions.first_plan_rows() -%}
  {%- for terms in commissions.seed_rows('payout_terms', 'plan_id, valid_from') if terms.cancelled_date_expression %}
select
  '{{ terms.plan_id }}' as plan_id,
  source.transaction_id,
  '{{ commissions.version_code_of(plans[terms.plan_id]) }}' as version_code,
  cast('{{ terms.valid_from }}' as date) as terms_from,
  cast({{ "'" ~ terms.valid_to ~ "'" if terms.valid_to else 'null' }} as date) as terms_to,
  cast(({{ terms.cancelled_date_expression }}) as date) as cancelled_date
from {{ commissions.source_model(plans[terms.plan_id].source_object) }} as source
where ({{ terms.cancelled_date_expression }}) is not null
union all
  {%- endfor %}
{{ commissions.no_rows({
  'plan_id': 'varchar',
  'transaction_id': 'varchar',
  'version_code': 'varchar',
  'terms_from': 'date',
  'terms_to': 'date',
  'cancelled_date': 'date'
}) }}
{%- endmacro %}
