"""Operating an installation: doctor, backups, cadences, environment variables, deployment files."""
