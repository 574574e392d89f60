"""Selection and output of versions and their changes."""
