"""Retention: versions that keep their bytes, versions that dropped them, and what of both a store still has."""
