"""One package per source system, and one per kind of file extract."""
