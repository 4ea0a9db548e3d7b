{# The landed versions of each key since it was won: from the first one after the last version that was not won. A key that
   is not won now has no row. *_closed_at* is when the first of them was landed, *_version_from* when each was. #}
{% macro rows_since_close(relation, keys, is_won) -%}
  select
    columns(lambda name: name not in ('last_open_at', '_row_hash') and not starts_with(name, '_dlt_')),
    row_number() over (partition by {{ keys | join(', ') }} order by _dlt_valid_from, _row_hash) as _version_number,
    min(_dlt_valid_from) over (partition by {{ keys | join(', ') }}) as _closed_at,
    _dlt_valid_from as _version_from
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
{%- endmacro %}
