-- Counts the smallest units of Stripe in one unit of each currency: those of ISO 4217 but for the few of var
-- stripe_minor_units.
-- Grain: one row per currency.
{{ config(enabled=var('billing_system') == 'stripe') }}

with

currencies as (
  select * from {{ ref('currencies') }}
),

decimals as (
  select
    currency_code,
    coalesce(('{{ var("stripe_minor_units") }}'::json ->> currency_code)::integer, minor_unit) as minor_unit
  from currencies
)

select
  lower(currency_code) as currency,
  currency_code,
  rpad('1', 1 + minor_unit, '0')::bigint as unit_count
from decimals
