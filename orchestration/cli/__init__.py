"""The command line: one file per group of commands. It parses arguments and prints; the work is done elsewhere."""
