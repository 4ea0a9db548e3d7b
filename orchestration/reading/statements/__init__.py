"""Statements: the pages that a payee and a manager read, written from the published marts."""
