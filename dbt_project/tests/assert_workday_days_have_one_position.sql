-- Lists the positions of a Workday report that hold for no time, because another one takes effect on the same day and stands
-- later in the report. Correct them in Workday, or accept that the last one holds.
{{ config(enabled=var('hris_system') == 'workday', severity='warn') }}

with

positions as (
  {{ current_rows(source('workday', 'position_history'), ['"Employee_ID"', '"Effective_Date"', 'report_order']) }}
)

select
  positions."Employee_ID",
  positions."Effective_Date",
  coalesce(positions.report_order, 1) as report_order,
  positions."Position",
  positions."Manager_ID"
from positions
inner join positions as later
  on
    positions."Employee_ID" = later."Employee_ID"
    and positions."Effective_Date" = later."Effective_Date"
    and coalesce(positions.report_order, 1) + 1 = later.report_order
where
  not positions.is_deleted_in_source
  and not later.is_deleted_in_source
