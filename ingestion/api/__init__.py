"""What all systems read over REST share: the client, its credentials, and how their records land."""
