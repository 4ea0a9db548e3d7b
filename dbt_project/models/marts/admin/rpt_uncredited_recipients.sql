-- Lists the recipients named by a credit rule who got no credit, with the reason and what to do about it,
-- also where others were credited for the same transaction.
-- Grain: one row per refused credit.
with

candidates as (
  select * from {{ ref('int_crediting__candidates') }}
  where reason_code is not null
),

reason_codes as (
  select * from {{ ref('reason_codes') }}
),

final as (
  select
    candidates.credit_id::varchar as candidate_id,
    candidates.transaction_id::varchar as transaction_id,
    candidates.plan_id::varchar as plan_id,
    candidates.rule_id::varchar as rule_id,
    candidates.recipient::varchar as recipient,
    candidates.payee_id::varchar as payee_id,
    candidates.level_number::integer as level_number,
    candidates.credit_date::date as credit_date,
    candidates.currency_code::varchar as currency_code,
    candidates.candidate_amount::decimal(28, 10) as candidate_amount,
    candidates.reason_code::varchar as reason_code,
    reason_codes.description::varchar as reason_description,
    reason_codes.fix::varchar as fix
  from candidates
  inner join reason_codes on candidates.reason_code = reason_codes.reason_code
)

select * from final
