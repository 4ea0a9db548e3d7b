"""What runs the warehouse on a server: systemd units, and the launcher that notices dead runs. See docs/operating.md."""
