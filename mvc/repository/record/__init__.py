"""Creation of a version and the move of a branch to it, for `commit` and `Model.record`."""

REASON = "record: "
"""Prefix of the ref log entries of recorded versions."""
