-- Lists what earns nothing though it was credited or settled, with the reason and what to do about it.
-- Grain: one row per window, credit, bonus, modifier or reward that is not paid.
with

unpaid as (
  select * from {{ ref('int_rewards__unpaid') }}
),

reason_codes as (
  select * from {{ ref('reason_codes') }}
),

final as (
  select
    unpaid.unpaid_key::varchar as unpaid_key,
    unpaid.plan_id::varchar as plan_id,
    unpaid.payee_id::varchar as payee_id,
    unpaid.unpaid_date::date as unpaid_date,
    unpaid.reason_code::varchar as reason_code,
    reason_codes.description::varchar as reason_description,
    reason_codes.fix::varchar as fix
  from unpaid
  inner join reason_codes on unpaid.reason_code = reason_codes.reason_code
)

select * from final
