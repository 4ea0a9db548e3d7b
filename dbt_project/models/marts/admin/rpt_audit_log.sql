-- Lists everything that people did: each release, approval, withdrawal, adjustment, closing, export and dispute, and each
-- change of the configuration, with what it was about, before and after, and its place in the chain of hashes.
-- Grain: one row per action or change of the configuration. Rule: docs/administration.md
with

actions as (
  select * from {{ ref('stg_books__actions') }}
),

changes as (
  select * from {{ ref('stg_books__configuration_changes') }}
),

told as (
  select
    *,
    case
      when action_code in ('release_credits', 'release_rewards', 'approve', 'withdraw')
        then concat_ws(' ', plan_id, period_code)
      when action_code = 'close' then period_code
      when action_code = 'adjust' then 'adjustment ' || cast(action_number as varchar)
      when action_code in ('approve_adjustment', 'reject_adjustment')
        then 'adjustment ' || cast(reference_number as varchar)
      when action_code = 'accept_edits' then 'edits ' || cast(action_number as varchar)
      when action_code in ('approve_edits', 'reject_edits') then 'edits ' || cast(reference_number as varchar)
      when action_code = 'dispute_filed' then 'dispute ' || cast(action_number as varchar)
      when starts_with(action_code, 'dispute_') then 'dispute ' || cast(reference_number as varchar)
      when starts_with(action_code, 'export_') then reason
      else concat_ws(' ', plan_id, period_code, payee_id)
    end as subject,
    case
      when action_code = 'release_credits' then 'credits_released'
      when action_code = 'release_rewards' then 'rewards_released'
      when action_code = 'approve' then concat_ws(' ', 'approved as', role_code)
      when action_code = 'withdraw' then 'draft'
      when action_code = 'close' then 'closed'
      when action_code = 'adjust' then concat_ws(' ', 'pending', cast(amount as varchar), currency_code)
      when action_code = 'accept_edits' then concat_ws(' ', 'pending', transaction_id)
      when action_code in ('approve_adjustment', 'approve_edits') then 'approved'
      when action_code in ('reject_adjustment', 'reject_edits') then 'rejected'
      when starts_with(action_code, 'dispute_') then replace(action_code, 'dispute_', '')
      when starts_with(action_code, 'export_') then concat_ws(' ', 'exported', cast(amount as varchar), currency_code)
      else action_code
    end as after_value
  from actions
),

followed as (
  select
    *,
    case
      when action_code = 'release_credits' then 'draft'
      when action_code = 'close' then 'open'
      else lag(after_value) over (partition by subject order by action_number)
    end as before_value
  from told
),

united as (
  select
    'action|' || lpad(cast(action_number as varchar), 9, '0') as audit_key,
    acted_at as occurred_at,
    actor,
    'action' as kind_code,
    action_code,
    subject,
    period_code,
    plan_id,
    payee_id,
    before_value,
    after_value,
    reason,
    lines_fingerprint as fingerprint,
    previous_hash,
    action_hash as entry_hash
  from followed
  union all by name
  select
    'configuration|' || lpad(cast(entry_number as varchar), 9, '0') || '|' || lpad(cast(change_number as varchar), 9, '0')
      as audit_key,
    recorded_at as occurred_at,
    author as actor,
    'configuration' as kind_code,
    'configuration_' || change_code as action_code,
    concat_ws(': ', file_name, nullif(row_key, ''), column_name) as subject,
    before_value,
    after_value,
    commit_id,
    configuration_fingerprint as fingerprint,
    previous_hash,
    entry_hash
  from changes
),

final as (
  select
    audit_key::varchar as audit_key,
    occurred_at::timestamp as occurred_at,
    actor::varchar as actor,
    kind_code::varchar as kind_code,
    action_code::varchar as action_code,
    subject::varchar as subject,
    period_code::varchar as period_code,
    plan_id::varchar as plan_id,
    payee_id::varchar as payee_id,
    before_value::varchar as before_value,
    after_value::varchar as after_value,
    reason::varchar as reason,
    commit_id::varchar as commit_id,
    fingerprint::varchar as fingerprint,
    previous_hash::varchar as previous_hash,
    entry_hash::varchar as entry_hash
  from united
)

select * from final
