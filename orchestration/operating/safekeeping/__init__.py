"""Backup and restore of a home: `commissions backup`, `commissions restore`.

A backup is a folder `backup-20260101T053000Z` with a manifest of all hashes; it is made aside and renamed, so it is whole or
not there. It holds what cannot be made again (books, landings, exports, refreshed tokens), what readers see (published),
Dagster's history, and for comparison the seeds and sources.toml. The warehouse file is made again by the next run.
"""
