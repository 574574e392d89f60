"""Uncommitted changes kept as versions that no ref names: those of `mvc stash`, and those that a command discards."""
