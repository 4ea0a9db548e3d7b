{# Tiers of one partition that do not start at 0, leave a gap, overlap, or do not end open (a last tier whose
   `closed_by` column is filled must end instead: it is worth an amount). #}
{% test contiguous_tiers(model, partition_by, tier_from, tier_to, closed_by) %}
with ordered as (
  select
    *,
    lag({{ tier_to }}) over (partition by {{ partition_by | join(', ') }} order by {{ tier_from }}) as previous_to,
    row_number() over (partition by {{ partition_by | join(', ') }} order by {{ tier_from }}) as position,
    count(*) over (partition by {{ partition_by | join(', ') }}) as tier_count
  from {{ model }}
)

select * from ordered
where
  (position = 1 and {{ tier_from }} <> 0)
  or (position > 1 and (previous_to is null or previous_to <> {{ tier_from }}))
  or (position = tier_count and ({{ tier_to }} is null) <> ({{ closed_by }} is null))
  or {{ tier_to }} <= {{ tier_from }}
{% endtest %}
