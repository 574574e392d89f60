"""Scan: find what a loader of a weight file would run, read or write, from its bytes alone. Nothing is loaded."""
