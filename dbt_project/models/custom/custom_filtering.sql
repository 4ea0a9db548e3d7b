-- Puts together the own models that add verdicts, which replace those of a plan's filter_expression.
-- Grain: one row per transaction and plan. Rule: docs/extending.md
{{ own_rows('filtering') }}
