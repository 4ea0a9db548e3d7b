-- Puts together the own models that add progress, which moves a payee up the tiers without being paid itself.
-- Grain: one row per plan, payee and attainment_id. Rule: docs/extending.md
{{ own_rows('attainment') }}
