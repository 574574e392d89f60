"""Experiments of a registry: created with a version as their base, and read back as the next version."""
