-- Applies the floor and the cap per calendar year of the reward's day.
-- Grain: one row per reward of a plan with modifiers, floors included. Rule: docs/rules/rewards.md
{{ limited_periods(ref('int_rewards__month_limited'), 'year') }}
