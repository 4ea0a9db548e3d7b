-- Lists the closed periods, from their books.
-- Grain: one row per closed period.
with

landed as (
  select * from {{ source('books', 'closings') }}
)

select * from landed
