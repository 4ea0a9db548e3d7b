{# Half-open ranges [valid_from, valid_to) of one partition that overlap, or that end before they start. #}
{% test no_overlap(model, partition_by, valid_from, valid_to) %}
with ordered as (
  select
    *,
    lead({{ valid_from }}) over (partition by {{ partition_by | join(', ') }} order by {{ valid_from }}) as next_from
  from {{ model }}
)

select * from ordered
where
  {{ valid_to }} <= {{ valid_from }}
  or (next_from is not null and ({{ valid_to }} is null or next_from < {{ valid_to }}))
{% endtest %}
