-- Puts together the own models that add recipients, credited besides those of the plan's credit rules.
-- Grain: one row per transaction, plan and payee. Rule: docs/extending.md
{{ own_rows('crediting') }}
