-- Lists what changed in seeds and settings from run to run, from the log of the configuration.
-- Grain: one row per entry of the log and change.
with

landed as (
  select * from {{ source('books', 'configuration_changes') }}
)

select * from landed
