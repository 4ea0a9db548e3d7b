-- Condenses everything that the seeds say about a plan's versions, numbers apart, into one mark, so that a changed plan is
-- seen.
-- Grain: one row per plan. Rule: docs/rules/ledger.md
with

{% set seeds = [
  ref('plans'), ref('tiers'), ref('rates'), ref('bonuses'), ref('modifiers'), ref('payout_terms'), ref('credit_rules'),
  ref('rollup_levels')
] -%}
own_rows as (
  {% for seed in seeds %}
    select
      columns_of_row.plan_id,
      '{{ seed.identifier }}:' || cast(columns_of_row as varchar) as row_text
    from {{ seed }} as columns_of_row
    {% if not loop.last %}union all{% endif %}
  {% endfor %}
),

catalogue_texts as (
  select
    columns_of_row.catalogue_id,
    'catalogue:' || cast(columns_of_row as varchar) as row_text
  from {{ ref('catalogue') }} as columns_of_row
),

-- Several plans may read one catalogue.
catalogue_rows as (
  select distinct
    plan_versions.plan_id,
    catalogue_texts.row_text
  from {{ ref('plans') }} as plan_versions
  inner join catalogue_texts on plan_versions.catalogue_id = catalogue_texts.catalogue_id
),

united as (
  select * from own_rows
  union all
  select * from catalogue_rows
),

final as (
  select
    plan_id::varchar as plan_id,
    md5(string_agg(row_text, '|' order by row_text))::varchar as plan_fingerprint
  from united
  group by plan_id
)

select * from final
