-- Names everybody whom the plan's credit method points at for a valued transaction, with whether they are on the
-- plan on the credit date. Owner: the owner. Territory: its members on that date. Rollup: the owner's reporting
-- line on that date, with each level's factor.
-- Grain: one row a transaction, plan, payee and level. Rule: docs/rules/crediting.md
with

valued as (
  select * from {{ ref('int_valuation__values') }}
  where reason_code is null
),

memberships as (
  select * from {{ ref('int_parameters__territory_memberships') }}
),

reporting_lines as (
  select * from {{ ref('int_parameters__reporting_lines') }}
),

rollup_levels as (
  select * from {{ ref('rollup_levels') }}
),

assignments as (
  select * from {{ ref('plan_assignments') }}
),

owners as (
  select
    *,
    owner_payee_id as payee_id,
    'direct' as credit_type_code,
    0 as level_number,
    1 as level_factor
  from valued
  where credit_method_code = 'owner'
),

territory_members as (
  select
    valued.*,
    memberships.payee_id,
    'territory' as credit_type_code,
    0 as level_number,
    1 as level_factor
  from valued
  inner join memberships
    on
      valued.territory_id = memberships.territory_id
      and {{ in_force('valued.credit_date', 'memberships') }}
  where valued.credit_method_code = 'territory'
),

managers as (
  select
    valued.*,
    reporting_lines.ancestor_id as payee_id,
    'rollup' as credit_type_code,
    reporting_lines.level_number,
    rollup_levels.level_factor
  from valued
  inner join reporting_lines
    on
      valued.owner_payee_id = reporting_lines.payee_id
      and {{ in_force('valued.credit_date', 'reporting_lines') }}
  inner join rollup_levels
    on
      valued.plan_id = rollup_levels.plan_id
      and reporting_lines.level_number = rollup_levels.level_number
      and {{ in_force('valued.credit_date', 'rollup_levels') }}
  where valued.credit_method_code = 'rollup'
),

candidates as (
  select * from owners
  union all
  select * from territory_members
  union all
  select * from managers
),

final as (
  select
    (
      candidates.plan_id || '|' || candidates.transaction_id || '|' || candidates.credit_type_code || '|'
      || candidates.payee_id || '|' || cast(candidates.level_number as varchar)
    )::varchar as credit_id,
    candidates.transaction_id::varchar as transaction_id,
    candidates.plan_id::varchar as plan_id,
    candidates.plan_valid_from::date as plan_valid_from,
    candidates.payee_id::varchar as payee_id,
    candidates.credit_type_code::varchar as credit_type_code,
    candidates.level_number::integer as level_number,
    candidates.level_factor::decimal(18, 10) as level_factor,
    candidates.credit_date::date as credit_date,
    candidates.calendar_id::varchar as calendar_id,
    candidates.currency_code::varchar as currency_code,
    candidates.value_amount::decimal(28, 10) as value_amount,
    (assignments.payee_id is not null)::boolean as is_on_plan
  from candidates
  left join assignments
    on
      candidates.plan_id = assignments.plan_id
      and candidates.payee_id = assignments.payee_id
      and {{ in_force('candidates.credit_date', 'assignments') }}
)

select * from final
