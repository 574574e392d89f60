"""Archives of weight files: the directory of each kind, and one walk over the members, each of its own format."""
