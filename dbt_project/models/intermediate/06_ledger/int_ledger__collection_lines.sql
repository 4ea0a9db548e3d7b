-- Makes commission due as the customer pays: a payment's line is the commission earned to date with it less the commission
-- earned to date without it, so that parts add up to the cent; a refund is a payment with the other sign. What a payee who
-- has left forfeits by the plan's terms is not earned; a refund takes it first.
-- Grain: one row per reward, beneficiary and payment of the deal. Rule: docs/rules/payouts.md
with

commissions as (
  select * from {{ ref('int_rewards__commissions') }}
),

plan_versions as (
  select * from {{ ref('plans') }}
),

currencies as (
  select * from {{ ref('currencies') }}
),

collections as (
  select * from {{ ref('int_pool__collections') }}
  where reason_code is null
),

payout_terms as (
  select * from {{ ref('int_parameters__payout_terms') }}
),

employment_spans as (
  select * from {{ ref('int_parameters__employment_spans') }}
),

collected_commissions as (
  select
    commissions.*,
    commissions.transaction_id as deal_transaction_id,
    commissions.reward_date as terms_date,
    currencies.minor_unit,
    collections.payment_id,
    collections.kind_code,
    collections.paid_date,
    collections.transaction_amount,
    collections.collected_before_amount,
    collections.collected_after_amount,
    collections.memo_before_amount,
    collections.memo_after_amount,
    collections.gross_collected_before_amount,
    collections.gross_collected_after_amount,
    collections.gross_memo_before_amount,
    collections.gross_memo_after_amount,
    payout_terms.collected_part_code,
    payout_terms.rebate_code,
    payout_terms.overpayment_code,
    payout_terms.leaver_code,
    payout_terms.leaver_days
  from commissions
  inner join plan_versions
    on
      commissions.plan_id = plan_versions.plan_id
      and commissions.plan_valid_from = plan_versions.valid_from
      and plan_versions.payout_event_code = 'collection'
  inner join currencies on commissions.currency_code = currencies.currency_code
  inner join collections
    on
      commissions.transaction_id = collections.transaction_id
      and collections.version_code = {{ version_code('plan_versions') }}
  inner join payout_terms
    on
      commissions.plan_id = payout_terms.plan_id
      and {{ in_force('commissions.reward_date', 'payout_terms') }}
  where commissions.reward_kind_code = 'credit'
),

counted_commissions as (
  select
    *,
    {{ counted('before') }} as counted_before_amount,
    {{ counted('after') }} as counted_after_amount
  from collected_commissions
  where {{ is_counted() }}
),

left_dates as (
  select
    counted_commissions.commission_key,
    counted_commissions.payment_id,
    counted_commissions.paid_date,
    counted_commissions.leaver_code,
    counted_commissions.leaver_days,
    max(left_spans.valid_to) as left_date
  from counted_commissions
  inner join employment_spans as left_spans
    on
      counted_commissions.payee_id = left_spans.payee_id
      and left_spans.valid_to <= counted_commissions.paid_date
  left join employment_spans as spans_of_day
    on
      counted_commissions.payee_id = spans_of_day.payee_id
      and {{ in_force('counted_commissions.paid_date', 'spans_of_day') }}
  where
    counted_commissions.leaver_code in ('forfeit', 'days')
    and spans_of_day.payee_id is null
  group by all
),

-- What is collected in forfeited days adds up; what goes back to the customer lowers it first; it is never negative.
forfeitable as (
  select
    counted_commissions.commission_key,
    counted_commissions.payment_id,
    counted_commissions.paid_date,
    sign(counted_commissions.transaction_amount) as deal_sign,
    (counted_commissions.counted_after_amount - counted_commissions.counted_before_amount)
    * sign(counted_commissions.transaction_amount) as collected_amount,
    coalesce(
      left_dates.left_date is not null
      and not {{ is_paid_to_leaver("'pay'", 'left_dates.paid_date', 'left_dates') }},
      false
    ) as is_forfeited
  from counted_commissions
  left join left_dates
    on
      counted_commissions.commission_key = left_dates.commission_key
      and counted_commissions.payment_id = left_dates.payment_id
  where counted_commissions.leaver_code in ('forfeit', 'days')
),

followed as (
  select
    *,
    sum(case when is_forfeited or collected_amount < 0 then collected_amount else 0 end) over (
      partition by commission_key
      order by paid_date, payment_id
      rows between unbounded preceding and current row
    ) as running_amount
  from forfeitable
),

totalled as (
  select
    *,
    cast(
      (
        running_amount - least(
          min(running_amount) over (
            partition by commission_key
            order by paid_date, payment_id
            rows between unbounded preceding and current row
          ),
          0
        )
      ) * deal_sign as decimal(28, 10)
    ) as forfeited_after_amount
  from followed
),

forfeited as (
  select
    commission_key,
    payment_id,
    coalesce(
      lag(forfeited_after_amount) over (partition by commission_key order by paid_date, payment_id), 0
    ) as forfeited_before_amount,
    forfeited_after_amount
  from totalled
),

based_commissions as (
  select
    counted_commissions.*,
    cast(
      counted_commissions.counted_before_amount - coalesce(forfeited.forfeited_before_amount, 0) as decimal(28, 10)
    ) as base_before_amount,
    cast(
      counted_commissions.counted_after_amount - coalesce(forfeited.forfeited_after_amount, 0) as decimal(28, 10)
    ) as base_after_amount
  from counted_commissions
  left join forfeited
    on
      counted_commissions.commission_key = forfeited.commission_key
      and counted_commissions.payment_id = forfeited.payment_id
),

earned_commissions as (
  select
    *,
    {{ earned_at('counted_before_amount') }} as whole_before_amount,
    {{ earned_at('counted_after_amount') }} as whole_after_amount,
    {{ earned_at('base_before_amount') }} as earned_before_amount,
    {{ earned_at('base_after_amount') }} as earned_after_amount
  from based_commissions
),

collection_lines as (
  select
    commission_key || '|' || payment_id as line_key,
    *,
    kind_code as event_code,
    paid_date as event_date,
    0 as event_order,
    case
      when counted_after_amount = transaction_amount then cast(1 as decimal(28, 10))
      else {{ ratio('counted_after_amount', 'transaction_amount', 10, 10, 8) }}
    end as collected_ratio,
    {{ round_money('earned_after_amount', 'minor_unit', 10) }}
    - {{ round_money('earned_before_amount', 'minor_unit', 10) }} as line_amount,
    {{ round_money('whole_after_amount', 'minor_unit', 10) }}
    - {{ round_money('whole_before_amount', 'minor_unit', 10) }} as whole_amount
  from earned_commissions
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
    collected_ratio::decimal(28, 10) as collected_ratio,
    line_amount::decimal(18, 4) as line_amount,
    (whole_amount - line_amount)::decimal(18, 4) as forfeited_amount
  from collection_lines
)

select * from final
