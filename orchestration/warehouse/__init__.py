"""The files of a home: settings, lock, dbt manifest, the warehouse and the published marts."""
