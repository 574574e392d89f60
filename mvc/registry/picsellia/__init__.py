"""Picsellia, through its official SDK, which is imported nowhere else."""
