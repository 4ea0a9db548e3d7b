"""Books: what people did and what closed periods posted, in files outside the warehouse that never change.

`actions` is the log of who did what, `period` the book of a closed period, `landed` brings both into the warehouse,
`archive` keeps the landed tables, `acting` holds the actions and their refusals, `verify` proves it all.
"""
