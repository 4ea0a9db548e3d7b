-- Lists who asked for the edits of which deal to count, and who decided it, from the log of actions.
-- Grain: one row per action.
with

landed as (
  select * from {{ source('books', 'edit_actions') }}
)

select * from landed
