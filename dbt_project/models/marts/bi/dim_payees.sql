-- Describes everybody who can earn.
-- Grain: one row per payee.
with

payees as (
  select * from {{ ref('int_parameters__payees') }}
)

select * from payees
