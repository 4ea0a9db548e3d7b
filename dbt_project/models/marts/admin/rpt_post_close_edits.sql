-- Lists each field of a won deal that a plan reads and that was edited after the close, with what it was and what it is
-- now, which of the two the plan reads, and what the plan counts with the one and with the other, all other fields as it
-- reads them.
-- Grain: one row per plan, deal and edited field. Rule: docs/rules/valuation.md
with

won_deals as (
  select transaction_id
  from {{ ref('int_pool__deals') }}
  where
    is_closed_won
    and not is_deleted_in_source
),

booked as (
  select
    verdicts.plan_id,
    verdicts.plan_valid_from,
    verdicts.transaction_id,
    verdicts.booked_date
  from {{ ref('int_filtering__verdicts') }} as verdicts
  inner join won_deals on verdicts.transaction_id = won_deals.transaction_id
  where verdicts.plan_valid_from is not null
),

field_sides as (
  {{ plan_edits('booked') }}
),

field_edits as (
  select
    plan_id,
    transaction_id,
    field_name,
    value_at_close,
    value_now,
    is_read_as_now,
    bool_or(side_code = 'close' and is_filter_met) as is_counted_at_close,
    bool_or(side_code = 'now' and is_filter_met) as is_counted_now,
    max(case when side_code = 'close' and is_filter_met then native_value_amount end) as native_value_at_close,
    max(case when side_code = 'now' and is_filter_met then native_value_amount end) as native_value_now
  from field_sides
  group by all
),

split_rules as (
  select
    credit_rules.plan_id,
    'as_of_close+' || plan_versions.settle_days::varchar as version_code,
    bool_or(
      plan_versions.amount_basis_code = 'current'
      or contains(plan_versions.current_fields, 'OpportunitySplit')
    ) as is_read_as_now
  from {{ ref('credit_rules') }} as credit_rules
  inner join {{ ref('plans') }} as plan_versions on credit_rules.plan_id = plan_versions.plan_id
  where credit_rules.recipient_code = 'splits'
  group by all
),

split_texts as (
  select
    version_code,
    transaction_id,
    string_agg(
      concat_ws(
        ' ',
        coalesce(owner_alias, '-'),
        split_type,
        {{ number_text('split_percentage') }} || ' %',
        {{ number_text('split_amount') }}
      ),
      ', '
      order by owner_alias, split_id
    ) as split_text
  from {{ ref('int_pool__split_versions') }}
  group by version_code, transaction_id
),

split_edits as (
  select
    booked.plan_id,
    booked.transaction_id,
    'OpportunitySplit' as field_name,
    closed.split_text as value_at_close,
    today.split_text as value_now,
    coalesce(split_rules.is_read_as_now, false) as is_read_as_now
  from booked
  inner join split_rules on booked.plan_id = split_rules.plan_id
  left join split_texts as closed
    on
      booked.transaction_id = closed.transaction_id
      and split_rules.version_code = closed.version_code
  left join split_texts as today
    on
      booked.transaction_id = today.transaction_id
      and today.version_code = 'current'
  where closed.split_text is distinct from today.split_text
),

edits as (
  select * from field_edits
  where
    is_counted_at_close
    or is_counted_now
  union all by name
  select
    split_edits.*,
    true as is_counted_at_close,
    true as is_counted_now
  from split_edits
  inner join {{ ref('int_filtering__eligible') }} as eligible
    on
      split_edits.plan_id = eligible.plan_id
      and split_edits.transaction_id = eligible.transaction_id
),

explained as (
  select
    *,
    'edited_after_close' as reason_code
  from edits
),

reason_codes as (
  select * from {{ ref('reason_codes') }}
),

final as (
  select
    (explained.plan_id || '|' || explained.transaction_id || '|' || explained.field_name)::varchar as edit_key,
    explained.plan_id::varchar as plan_id,
    explained.transaction_id::varchar as transaction_id,
    explained.field_name::varchar as field_name,
    explained.value_at_close::varchar as value_at_close,
    explained.value_now::varchar as value_now,
    (case when explained.is_read_as_now then 'now' else 'close' end)::varchar as read_code,
    explained.is_counted_at_close::boolean as is_counted_at_close,
    explained.is_counted_now::boolean as is_counted_now,
    explained.native_value_at_close::decimal(28, 10) as native_value_at_close,
    explained.native_value_now::decimal(28, 10) as native_value_now,
    explained.reason_code::varchar as reason_code,
    reason_codes.description::varchar as reason_description,
    reason_codes.fix::varchar as fix
  from explained
  inner join reason_codes on explained.reason_code = reason_codes.reason_code
)

select * from final
