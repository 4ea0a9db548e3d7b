"""The bundled sample company: extracts that let everything run without credentials."""
