"""Metadata of weight files, read from their headers: no weight is read, and nothing is executed."""
