-- Makes commission due whole on the day that it is earned: of deals where the plan pays on booking, of payments that are
-- credited by themselves, and of bonuses, floors and custom rewards.
-- Grain: one row per reward and beneficiary that waits for no payment. Rule: docs/rules/payouts.md
with

commissions as (
  select * from {{ ref('int_rewards__commissions') }}
),

plan_versions as (
  select * from {{ ref('plans') }}
),

credited_payments as (
  select
    transaction_id,
    version_code,
    deal_transaction_id,
    deal_booked_date,
    payment_id,
    payment_kind_code
  from {{ ref('int_pool__transaction_versions') }}
  where credit_event_code = 'collection'
),

booking_lines as (
  select
    commissions.*,
    commissions.commission_key || '|' || coalesce(credited_payments.payment_id, 'booking') as line_key,
    coalesce(credited_payments.deal_transaction_id, commissions.transaction_id) as deal_transaction_id,
    coalesce(credited_payments.deal_booked_date, commissions.reward_date) as terms_date,
    case
      when commissions.reward_kind_code = 'credit' then coalesce(credited_payments.payment_kind_code, 'booking')
      else commissions.reward_kind_code
    end as event_code,
    commissions.reward_date as event_date,
    0 as event_order,
    credited_payments.payment_id,
    commissions.commission_amount as line_amount
  from commissions
  inner join plan_versions
    on
      commissions.plan_id = plan_versions.plan_id
      and commissions.plan_valid_from = plan_versions.valid_from
  left join credited_payments
    on
      commissions.transaction_id = credited_payments.transaction_id
      and credited_payments.version_code = {{ version_code('plan_versions') }}
  where
    plan_versions.payout_event_code = 'booking'
    or commissions.reward_kind_code <> 'credit'
    or credited_payments.payment_id is not null
),

final as (
  select
    line_key::varchar as line_key,
    commission_key::varchar as commission_key,
    reward_id::varchar as reward_id,
    reward_kind_code::varchar as reward_kind_code,
    credit_id::varchar as credit_id,
    transaction_id::varchar as transaction_id,
    deal_transaction_id::varchar as deal_transaction_id,
    plan_id::varchar as plan_id,
    terms_date::date as terms_date,
    credited_payee_id::varchar as credited_payee_id,
    payee_id::varchar as payee_id,
    event_code::varchar as event_code,
    event_date::date as event_date,
    event_order::integer as event_order,
    payment_id::varchar as payment_id,
    currency_code::varchar as currency_code,
    line_amount::decimal(18, 4) as line_amount
  from booking_lines
)

select * from final
