"""Formats that models are exported to, and checkpoints whose directory is a file of its own."""
