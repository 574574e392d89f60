"""Caches of what other files of the store say; they may be deleted or corrupt at any time."""
