{# Ranges that do not start and end on the first day of a month, or have no end. #}
{% test whole_months(model, valid_from, valid_to) %}
select * from {{ model }}
where
  {{ valid_to }} is null
  or {{ valid_from }} <> cast(date_trunc('month', {{ valid_from }}) as date)
  or {{ valid_to }} <> cast(date_trunc('month', {{ valid_to }}) as date)
{% endtest %}
