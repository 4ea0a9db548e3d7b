-- Says of each part of the product that a company may do without whether it is used: whether its seed, column or source has
-- any rows. What is not used is off, and blocks nothing.
-- Grain: one row per part. Rule: docs/operating.md
with

journal as (
  select count(*) as row_count from {{ ref('posting_rules') }}
),

capitalisation as (
  select count(*) as row_count from {{ ref('capitalisation_rules') }}
),

payroll as (
  select count(*) as row_count from {{ ref('pay_groups') }}
),

write_back as (
  select count(*) as row_count from {{ ref('crm_targets') }}
),

payments as (
  select count(distinct payment_id) as row_count from {{ ref('int_pool__collections') }}
),

splits as (
  select count(*) as row_count from {{ ref('int_pool__splits') }}
),

quotas as (
  select count(*) as row_count from {{ ref('plans') }}
  where quota_expression is not null
),

managers as (
  select count(*) as row_count from {{ ref('int_parameters__managers') }}
),

united as (
  select
    'journal' as part_code,
    'journal' as part_name,
    'seeds/accounting/posting_rules.csv' as place,
    row_count
  from journal
  union all
  select
    'capitalisation' as part_code,
    'capitalisation of contract costs' as part_name,
    'seeds/accounting/capitalisation_rules.csv' as place,
    row_count
  from capitalisation
  union all
  select
    'payroll' as part_code,
    'payroll files' as part_name,
    'seeds/payroll/pay_groups.csv' as place,
    row_count
  from payroll
  union all
  select
    'write_back' as part_code,
    'write-back to the CRM' as part_name,
    'seeds/crm/crm_targets.csv' as place,
    row_count
  from write_back
  union all
  select
    'payments' as part_code,
    'payments' as part_name,
    'payments of the billing system' as place,
    row_count
  from payments
  union all
  select
    'splits' as part_code,
    'splits' as part_name,
    'splits of the CRM' as place,
    row_count
  from splits
  union all
  select
    'quotas' as part_code,
    'quotas' as part_name,
    'quota_expression in seeds/plans/plans.csv' as place,
    row_count
  from quotas
  union all
  select
    'managers' as part_code,
    'managers' as part_name,
    'job history of the HRIS' as place,
    row_count
  from managers
)

select
  part_code::varchar as part_code,
  part_name::varchar as part_name,
  place::varchar as place,
  row_count::bigint as row_count,
  (row_count > 0)::boolean as is_used
from united
