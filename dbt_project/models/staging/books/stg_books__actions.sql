-- Lists who released, approved, adjusted and closed what, from the log of actions.
-- Grain: one row per action.
with

landed as (
  select * from {{ source('books', 'actions') }}
)

select * from landed
