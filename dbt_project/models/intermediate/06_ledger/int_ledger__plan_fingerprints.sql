-- Condenses everything that the seeds say about a plan's versions, numbers apart, into one mark, so that a changed plan is seen.
-- Grain: one row a plan. Rule: docs/rules/ledger.md
{% set seeds = [
  'plans', 'tiers', 'rates', 'bonuses', 'modifiers', 'credit_rules', 'rollup_levels'
] %}
with

{% for seed in seeds %}
{{ seed }}_rows as (
  select
    plan_id,
    '{{ seed }}:' || cast({{ seed }} as varchar) as row_text
  from {{ ref(seed) }} as {{ seed }}
),
{% endfor %}

united as (
  {% for seed in seeds %}
  select * from {{ seed }}_rows
  {{ 'union all' if not loop.last }}
  {% endfor %}
),

final as (
  select
    plan_id::varchar as plan_id,
    md5(string_agg(row_text, chr(10) order by row_text))::varchar as plan_fingerprint
  from united
  group by plan_id
)

select * from final
