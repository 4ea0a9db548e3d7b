"""Books: what people did and what closed periods posted, in files outside the warehouse that never change.

`actions` is the log of who did what, `period` the book of a closed period, `exports` the record of exported files,
`landed` brings all three into the warehouse, `archive` keeps the landed tables, `acting` and `exporting` hold what people do and
the refusals, `verify` proves it all.
"""
