"""The targets, in modules by what they read."""
