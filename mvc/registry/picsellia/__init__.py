"""Picsellia as a registry, through its official SDK, which is imported nowhere else."""
