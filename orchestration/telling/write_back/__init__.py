"""Commission written back to the deals of a CRM: only what differs from what the CRM has acknowledged."""
