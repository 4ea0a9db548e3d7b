"""Events: what happened, sent to other systems by signed webhooks, at least once and in order per subject.

`deriving` makes the events from the books, `outbox` keeps them and how far each receiver has come, `receivers` are those of
notifications.toml, `signing` signs, `transport` sends one request, `delivery` sends what is due, `reconciling` compares with
what a receiver says it has, `commands` and `jobs` are the ways to start it. docs/events.md is the receiver's guide.
"""
