"""How a version is made and a branch moved to it: `commit` and `Model.record` stand on it."""

REASON = "record: "
"""The beginning of the ref log entries of recorded versions."""
