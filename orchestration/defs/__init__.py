"""The Dagster wing: assets, jobs, schedules and sensors. Nothing outside imports dagster."""
