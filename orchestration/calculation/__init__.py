"""The calculation as the run sees it: one dbt process, what has changed, what is built, what is checked."""
