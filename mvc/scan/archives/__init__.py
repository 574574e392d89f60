"""Containers: archives whose members are scanned, and compressed streams that are unfolded."""
