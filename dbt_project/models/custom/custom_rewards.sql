-- Puts together the own models that add rewards, which pass the plan's modifiers, rounding, beneficiaries and the
-- ledger as all others do.
-- Grain: one row per reward. Rule: docs/extending.md
{{ own_rows('rewards') }}
