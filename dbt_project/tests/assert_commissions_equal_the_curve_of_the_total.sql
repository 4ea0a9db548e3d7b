-- Invariant 3: the commissions of a window add up to the rounded curve at the window's total, computed here tier
-- by tier from the total alone.
with

windows as (
  select * from {{ ref('int_attainment__windows') }}
),

tier_curves as (
  select * from {{ ref('int_rewards__tier_curves') }}
),

currencies as (
  select * from {{ ref('currencies') }}
),

commissions as (
  select
    window_key,
    sum(commission_amount) as commission_amount
  from {{ ref('int_rewards__commissions') }}
  group by window_key
),

curve_of_total as (
  select
    windows.window_key,
    windows.currency_code,
    sum(
      tier_curves.rate * case
        when tier_curves.is_first and windows.credited_amount <= tier_curves.start_amount
          then windows.credited_amount - tier_curves.start_amount
        when windows.credited_amount <= tier_curves.start_amount then 0
        when tier_curves.is_last then windows.credited_amount - tier_curves.start_amount
        else least(windows.credited_amount, tier_curves.end_amount) - tier_curves.start_amount
      end
    ) as curve_amount
  from windows
  inner join tier_curves on windows.window_key = tier_curves.window_key
  group by windows.window_key, windows.currency_code
)

select
  windows.window_key,
  curve_of_total.curve_amount,
  commissions.commission_amount
from windows
left join curve_of_total on windows.window_key = curve_of_total.window_key
left join currencies on curve_of_total.currency_code = currencies.currency_code
left join commissions on windows.window_key = commissions.window_key
where
  commissions.commission_amount
  is distinct from {{ round_money('curve_of_total.curve_amount', 'currencies.minor_unit') }}
