-- Moves the balance that is withheld of each commission that waits for the customer: up by what the booking established,
-- down by what is earned, by what expires and by what a leaver forfeits, up again when a late payment revives it. The
-- balance of a day is the sum to then.
-- Grain: one row per reward, beneficiary and movement. Rule: docs/rules/payouts.md
with

commissions as (
  select commissions.*
  from {{ ref('int_rewards__commissions') }} as commissions
  inner join {{ ref('plans') }} as plan_versions
    on
      commissions.plan_id = plan_versions.plan_id
      and commissions.plan_valid_from = plan_versions.valid_from
  where
    commissions.reward_kind_code = 'credit'
    and plan_versions.payout_event_code = 'collection'
    and plan_versions.credit_event_code = 'booking'
),

lines as (
  select * from {{ ref('int_ledger__lines') }}
  where payment_id is not null
),

forfeited_lines as (
  select * from {{ ref('int_ledger__collection_lines') }}
  where forfeited_amount <> 0
),

payout_terms as (
  select * from {{ ref('int_parameters__payout_terms') }}
),

cancellations as (
  select * from {{ ref('int_valuation__cancellations') }}
),

events as (
  select
    commissions.*,
    'estimated' as movement_code,
    '' as event_id,
    commissions.reward_date as movement_date,
    commissions.commission_amount as movement_amount
  from commissions
  union all
  select
    commissions.*,
    'earned' as movement_code,
    lines.line_key as event_id,
    greatest(lines.event_date, commissions.reward_date) as movement_date,
    -lines.line_amount as movement_amount
  from commissions
  inner join lines on commissions.commission_key = lines.commission_key
),

united_events as (
  select * from events
  union all
  select
    commissions.*,
    'forfeited' as movement_code,
    forfeited_lines.line_key || '|forfeited' as event_id,
    greatest(forfeited_lines.event_date, commissions.reward_date) as movement_date,
    -forfeited_lines.forfeited_amount as movement_amount
  from commissions
  inner join forfeited_lines on commissions.commission_key = forfeited_lines.commission_key
),

followed as (
  select
    *,
    sum(movement_amount) over (
      partition by commission_key
      order by movement_date, event_id
      rows between unbounded preceding and current row
    ) as remaining_amount,
    lead(movement_date) over (
      partition by commission_key
      order by movement_date, event_id
    ) as next_date
  from united_events
),

timed as (
  select
    followed.*,
    {{ earlier_end(
      add_days('followed.movement_date', 'payout_terms.expire_after_days'),
      'case when cancellations.cancelled_date >= followed.movement_date then cancellations.cancelled_date end'
    ) }} as expired_date
  from followed
  inner join payout_terms
    on
      followed.plan_id = payout_terms.plan_id
      and {{ in_force('followed.reward_date', 'payout_terms') }}
  left join cancellations
    on
      followed.plan_id = cancellations.plan_id
      and followed.transaction_id = cancellations.transaction_id
),

expired as (
  select *
  from timed
  where
    expired_date <= {{ as_of_date() }}
    and (next_date is null or next_date > expired_date)
    and remaining_amount <> 0
),

united as (
  select
    *,
    movement_code || '|' || event_id as movement_id
  from united_events
  union all by name
  select
    * replace ('expired' as movement_code, expired_date as movement_date, -remaining_amount as movement_amount),
    'expired|' || event_id as movement_id
  from expired
  union all by name
  select
    * replace ('revived' as movement_code, next_date as movement_date, remaining_amount as movement_amount),
    'revived|' || event_id as movement_id
  from expired
  where next_date is not null
),

final as (
  select
    (commission_key || '|' || movement_id)::varchar as movement_key,
    commission_key::varchar as commission_key,
    plan_id::varchar as plan_id,
    payee_id::varchar as payee_id,
    reward_id::varchar as reward_id,
    credit_id::varchar as credit_id,
    transaction_id::varchar as transaction_id,
    movement_code::varchar as movement_code,
    movement_date::date as movement_date,
    currency_code::varchar as currency_code,
    movement_amount::decimal(18, 4) as movement_amount
  from united
)

select * from final
