-- Resolves each alias of a source system to its payee, as ranges: a manual alias wins while it holds, and an automatic
-- match holds before, between and after. An alias whose payee the HRIS does not know is not in it.
-- Grain: one row per source system, alias and first day; the first range of an automatic match begins on 0001-01-01.
with

matched_aliases as (
  select * from {{ ref('int_parameters__payee_aliases') }}
),

manual_aliases as (
  select * from {{ ref('payee_aliases') }}
),

payees as (
  select * from {{ ref('int_parameters__payees') }}
),

bounds as (
  select
    source_system,
    alias,
    cast('0001-01-01' as date) as bound
  from matched_aliases
  union
  select
    source_system,
    alias,
    valid_from as bound
  from manual_aliases
  union
  select
    source_system,
    alias,
    valid_to as bound
  from manual_aliases
  where valid_to is not null
),

segments as (
  select
    source_system,
    alias,
    bound as valid_from,
    lead(bound) over (partition by source_system, alias order by bound) as valid_to
  from bounds
),

resolved as (
  select
    segments.source_system,
    segments.alias,
    segments.valid_from,
    segments.valid_to,
    coalesce(manual_aliases.payee_id, matched_aliases.payee_id) as payee_id
  from segments
  left join manual_aliases
    on
      segments.source_system = manual_aliases.source_system
      and segments.alias = manual_aliases.alias
      and {{ in_force('segments.valid_from', 'manual_aliases') }}
  left join matched_aliases
    on
      segments.source_system = matched_aliases.source_system
      and segments.alias = matched_aliases.alias
),

final as (
  select
    resolved.source_system::varchar as source_system,
    resolved.alias::varchar as alias,
    resolved.valid_from::date as valid_from,
    resolved.valid_to::date as valid_to,
    resolved.payee_id::varchar as payee_id
  from resolved
  inner join payees on resolved.payee_id = payees.payee_id
)

select * from final
