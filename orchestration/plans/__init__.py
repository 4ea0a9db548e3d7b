"""Plans: the language of their expressions, the checks of their files, and situations that prove them."""
