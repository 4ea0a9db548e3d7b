-- Lists the amounts that exported files settled: which part of the ledger was counted, what was paid, what was
-- journalised.
-- Grain: one row per exported file and amount.
with

landed as (
  select * from {{ source('books', 'exported_lines') }}
)

select * from landed
