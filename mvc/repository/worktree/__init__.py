"""The working tree of a model: its scan, its comparison with a version, its changes."""
