"""Runs the warehouse: checks the seeds, lands the sources, calculates, publishes, closes, reports."""
