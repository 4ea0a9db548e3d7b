-- Shows each file that was exported to payroll or accounting: what it covers, its control total and its hash.
-- Grain: one row per exported file. Rule: docs/rules/payroll.md
with

exports as (
  select * from {{ ref('stg_books__exports') }}
),

final as (
  select
    export_number::bigint as export_number,
    export_code::varchar as export_code,
    export_name::varchar as export_name,
    pay_group_id::varchar as pay_group_id,
    export_period_code::varchar as export_period_code,
    currency_code::varchar as currency_code,
    sequence_number::integer as sequence_number,
    file_name::varchar as file_name,
    file_hash::varchar as file_hash,
    row_count::bigint as row_count,
    total_amount::decimal(18, 4) as total_amount,
    exported_by::varchar as exported_by,
    export_hash::varchar as export_hash
  from exports
)

select * from final
