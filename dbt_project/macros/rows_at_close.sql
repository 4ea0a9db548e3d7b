{# The landed version of each key with which it was won: the first one after the last version that was not won.
   Later edits are not in it. A key that is not won now has no row. #}
{% macro rows_at_close(relation, keys, is_won) -%}
  select columns(lambda name: name not in ('version_number', 'last_open_at', '_row_hash') and not starts_with(name, '_dlt_'))
  from (
    select
      *,
      row_number() over (partition by {{ keys | join(', ') }} order by _dlt_valid_from, _row_hash) as version_number
    from (
      select
        *,
        max(case when not coalesce({{ is_won }}, false) then _dlt_valid_from end) over (
          partition by {{ keys | join(', ') }}
        ) as last_open_at
      from {{ relation }}
    )
    where
      coalesce({{ is_won }}, false)
      and (last_open_at is null or _dlt_valid_from > last_open_at)
  )
  where version_number = 1
{%- endmacro %}
