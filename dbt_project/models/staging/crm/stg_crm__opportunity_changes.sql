-- Keeps the changes of opportunities that the CRM's own history tells, each with what the field held before: those of
-- tracked fields, and those of stage, amount and close date from one row of the history of opportunities to the next, the
-- first of which says when the opportunity began. None where var crm_has_history is false.
-- Grain: one row per change of a field that one of the two histories tells. Rule: docs/rules/valuation.md
with

{% if var('crm_system') == 'files' and var('crm_has_history') %}
  field_history as (
    {{ current_rows(source('crm', 'OpportunityFieldHistory'), ['"Id"']) }}
  ),

  opportunity_history as (
    {{ current_rows(source('crm', 'OpportunityHistory'), ['"Id"']) }}
  ),

  -- Of a look-up the history has a row with names and a row with ids, under the name of the relation.
  told as (
    select
      *,
      bool_or("DataType" = 'EntityId') over (partition by "OpportunityId", "Field", "CreatedDate") as has_ids
    from field_history
    where not coalesce("IsDeleted", false)
  ),

  tracked as (
    select
      "Id" as change_id,
      "OpportunityId" as opportunity_id,
      case
        when "DataType" = 'EntityId' and not ends_with("Field", '__c') then "Field" || 'Id'
        else "Field"
      end as field_name,
      "OldValue" as old_value,
      "CreatedDate" as changed_at
    from told
    where
      "DataType" = 'EntityId'
      or not coalesce(has_ids, false)
  ),

  snapshots as (
    select
      "Id" as change_id,
      "OpportunityId" as opportunity_id,
      unnest(['StageName', 'Amount', 'CloseDate']) as field_name,
      unnest(["StageName", "Amount"::varchar, "CloseDate"::varchar]) as new_value,
      "CreatedDate" as changed_at
    from opportunity_history
    where not coalesce("IsDeleted", false)
  ),

  followed as (
    select
      *,
      row_number() over each_field as place,
      lag(new_value) over each_field as old_value
    from snapshots
    window each_field as (partition by opportunity_id, field_name order by changed_at, change_id)
  ),

  final as (
    select
      change_id,
      opportunity_id,
      field_name,
      old_value,
      changed_at
    from tracked
    union all
    select
      change_id,
      opportunity_id,
      field_name,
      old_value,
      changed_at
    from followed
    where
      place = 1
      or old_value is distinct from new_value
  )
{% else %}
  final as (
    select
      null::varchar as change_id,
      null::varchar as opportunity_id,
      null::varchar as field_name,
      null::varchar as old_value,
      null::timestamptz as changed_at
    where false
  )
{% endif %}

select *
from final
