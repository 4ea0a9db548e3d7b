{# The employments that the landed versions of employees tell, where the HR system keeps one hire date and one leaving date
   of each. The latest version of each hire date counts.
   - A leaving date before the hire date is that of an employment before: the present one is open.
   - An earlier hire date is an employment of its own, and not a correction, where a leaving date up to the later hire was
     landed with it, or where it was landed as begun before the later hire began.
   Grain: one row per employee and hire date. #}
{% macro employment_from_versions(relation, id, hired, left_on, landed_zone='UTC') -%}
  select
    employee_id as "employeeId",
    'employed' as employment_code,
    hired_on as valid_from,
    case
      when next_hired_on is null or ended_on <= next_hired_on then ended_on
      else next_hired_on
    end as valid_to
  from (
    select
      *,
      lead(hired_on) over (partition by employee_id order by hired_on) as next_hired_on
    from (
      select
        *,
        case when left_on >= hired_on then left_on end as ended_on,
        max(case when is_latest then hired_on end) over (partition by employee_id) as latest_hired_on
      from (
        select
          *,
          row_number() over (partition by employee_id, hired_on order by recency) as hire_recency,
          recency = 1 as is_latest
        from (
          select
            {{ id }} as employee_id,
            coalesce({{ hired }}, cast('-infinity' as date)) as hired_on,
            {{ left_on }} as left_on,
            {{ day_of('_dlt_valid_from', landed_zone) }} as landed_date,
            {{ day_of('_dlt_valid_to', landed_zone) }} as replaced_date,
            row_number() over (
              partition by {{ id }}
              order by _dlt_valid_to is null desc, _dlt_valid_to desc, _dlt_valid_from desc, _row_hash
            ) as recency
          from {{ relation }}
        )
      )
      where hire_recency = 1
    )
    where
      is_latest
      or (
        hired_on < latest_hired_on
        and (
          ended_on <= latest_hired_on
          or (ended_on is null and hired_on <= replaced_date and landed_date < latest_hired_on)
        )
      )
  )
{%- endmacro %}
