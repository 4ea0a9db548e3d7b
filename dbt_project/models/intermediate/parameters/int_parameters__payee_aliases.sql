-- Keeps the aliases that fit one employee. Dated manual aliases stay in their seed and win over these.
-- Grain: one row per source system and alias.
with

matches as (
  select * from {{ ref('int_parameters__alias_matches') }}
),

final as (
  select
    source_system::varchar as source_system,
    alias::varchar as alias,
    payee_id::varchar as payee_id,
    match_rule_code::varchar as match_rule_code
  from matches
  where payee_count = 1
)

select * from final
