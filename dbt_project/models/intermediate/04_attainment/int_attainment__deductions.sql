-- Deducts from a later window what a deal has lost, where the plan's policy leaves the money and reduces attainment: in the
-- window of the change, or in the one after the credit's own where that is later; in a gap of the calendar in the next one.
-- A count is deducted by the lost share.
-- Grain: one row per credit and change of the deal's loss. Rule: docs/rules/payouts.md
with

credits as (
  select * from {{ ref('int_crediting__credits') }}
  where
    calendar_id not in ('life', 'transaction')
    and aggregate_code in ('sum', 'count')
),

losses as (
  select * from {{ ref('int_valuation__losses') }}
  where
    policy_code = 'next_period_attainment'
    and taken_after_amount <> taken_before_amount
),

plan_versions as (
  select * from {{ ref('plans') }}
),

windows as (
  select * from {{ ref('int_parameters__windows') }}
),

deducted as (
  select
    credits.credit_id,
    credits.plan_id,
    credits.payee_id,
    credits.transaction_id,
    losses.event_id,
    losses.whole_amount,
    losses.taken_before_amount,
    losses.taken_after_amount,
    greatest(losses.event_date, credits.window_to) as changed_date,
    case
      when credits.aggregate_code = 'count' then cast(sign(credits.credited_amount) as decimal(28, 10))
      else credits.credited_amount
    end as whole_move_amount
  from credits
  inner join losses
    on
      credits.plan_id = losses.plan_id
      and credits.transaction_id = losses.transaction_id
),

placed as (
  select
    deducted.*,
    plan_versions.plan_id || '|' || cast(plan_versions.valid_from as varchar) || '|' || deducted.payee_id || '|'
    || windows.window_code as window_key,
    coalesce(plan_versions.progress_id, plan_versions.plan_id) || '|' || deducted.payee_id || '|' || windows.window_code
      as progress_key,
    greatest(deducted.changed_date, windows.window_from) as deducted_date,
    row_number() over (
      partition by deducted.credit_id, deducted.event_id
      order by windows.window_from
    ) as window_position
  from deducted
  inner join plan_versions
    on
      deducted.plan_id = plan_versions.plan_id
      and {{ in_force('deducted.changed_date', 'plan_versions') }}
  inner join windows
    on
      plan_versions.calendar_id = windows.calendar_id
      and deducted.changed_date < windows.window_to
  where
    plan_versions.calendar_id not in ('life', 'transaction')
    and plan_versions.aggregate_code in ('sum', 'count')
),

final as (
  select
    (credit_id || '|lost|' || event_id)::varchar as move_id,
    credit_id::varchar as credit_id,
    window_key::varchar as window_key,
    progress_key::varchar as progress_key,
    transaction_id::varchar as transaction_id,
    deducted_date::date as deducted_date,
    (
      {{ ratio_of_product('whole_move_amount', 'taken_after_amount', 'whole_amount') }}
      - {{ ratio_of_product('whole_move_amount', 'taken_before_amount', 'whole_amount') }}
    )::decimal(28, 10) as deducted_amount
  from placed
  where
    window_position = 1
    and deducted_date <= {{ as_of_date() }}
)

select * from final
