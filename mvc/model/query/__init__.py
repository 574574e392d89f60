"""Queries: an expression over the values of versions, the keys that it names, and an order of versions."""
