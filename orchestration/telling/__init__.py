"""What other systems and people are sent: events, alerts, figures for the CRM."""
