-- Puts together the own models that add values, in the unit of the plan's value_expression, which they replace.
-- Grain: one row per transaction and plan. Rule: docs/extending.md
{{ own_rows('valuation') }}
