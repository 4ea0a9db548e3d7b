-- A payout of an open month, of this month or the last, that is far from the payee's months before: a person should
-- look before it is released. The limits are in seeds/operations/jump_limits.csv.
{{ config(severity='warn') }}
select *
from {{ ref('rpt_payout_jumps') }}
where
  jump_code = 'jumped'
  and not is_closed
  and date_diff('month', period_from, {{ as_of_date() }}) <= 1
