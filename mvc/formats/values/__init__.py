"""Value files: the classes of a labelmap in JSON, YAML and lists of names. Nothing in them is executed."""
