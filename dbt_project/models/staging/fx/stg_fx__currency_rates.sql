-- Keeps the latest version of each currency rate under the source's own field names.
-- Grain: one row per currency rate.
with

current_rows as (
  {{ current_rows(source('fx', 'CurrencyRate'), ['"CurrencyRateID"']) }}
)

select *
from current_rows
