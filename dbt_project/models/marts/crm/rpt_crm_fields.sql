-- Says which field of which CRM gets which column of rpt_crm_records, as seeds/crm had it at the last run.
-- Grain: one row per target and field of the CRM. Rule: docs/rules/crm.md
with

crm_targets as (
  select * from {{ ref('crm_targets') }}
),

crm_fields as (
  select * from {{ ref('crm_fields') }}
),

final as (
  select
    (crm_fields.target_id || '|' || crm_fields.crm_field)::varchar as crm_field_key,
    crm_targets.target_id::varchar as target_id,
    crm_targets.system_code::varchar as system_code,
    crm_targets.source_name::varchar as source_name,
    crm_targets.grain_code::varchar as grain_code,
    crm_targets.crm_object::varchar as crm_object,
    crm_targets.key_field::varchar as key_field,
    crm_targets.least_state_code::varchar as least_state_code,
    crm_fields.column_name::varchar as column_name,
    crm_fields.crm_field::varchar as crm_field
  from crm_fields
  inner join crm_targets on crm_fields.target_id = crm_targets.target_id
)

select * from final
