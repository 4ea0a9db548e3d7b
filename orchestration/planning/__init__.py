"""Projections and simulations: the commission of open deals and of changed plans, calculated by the real models in a separate warehouse."""
