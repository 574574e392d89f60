"""The working tree of a model: scanning it, comparing it with a version, changing it."""
