-- Lists what closed periods posted, from their books: what was paid and never changes.
-- Grain: one row per line of a closed period.
with

landed as (
  select * from {{ source('books', 'lines') }}
)

select * from landed
