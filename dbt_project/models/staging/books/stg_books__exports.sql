-- Lists the exported files, from their records.
-- Grain: one row per exported file.
with

landed as (
  select * from {{ source('books', 'exports') }}
)

select * from landed
