"""Situations: small companies, written down with the figures that they must come to, calculated by the real models."""
