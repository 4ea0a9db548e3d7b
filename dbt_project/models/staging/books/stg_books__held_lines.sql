-- Lists what closed periods recognised and did not post, from their books: earned and held, and with a minus recognised
-- before.
-- Grain: one row per line and closed period that did not post what it recognised.
with

landed as (
  select * from {{ source('books', 'held_lines') }}
)

select * from landed
