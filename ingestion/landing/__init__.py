"""Landing: reads, checks and loads the tables of a source system. Any system uses it."""
